// SPDX-License-Identifier: MIT
// The tree has no nodes: points are ordered so that those of a range below its middle do not exceed
// the middle one along the range's axis, those above are not below it, and so on in both halves.
#include "cortex/kd_tree.h"

#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEAF 8 // ranges of so many points are searched one by one

struct place {
    float at[3];
    int index;
};

struct kd_tree {
    int count;
    struct place *places;
    uint8_t *axes; // [count] of the range whose middle this is
};

static void swap(struct place *a, struct place *b)
{
    const struct place old = *a;
    *a = *b;
    *b = old;
}

// Orders places[low..high] so that what is before `middle` is at most it, and what is behind at
// least (Hoare's selection).
static void select_middle(struct place *places, int low, int high, int middle, int axis)
{
    while (low < high) {
        const float pivot = places[low + (high - low) / 2].at[axis];
        int left = low, right = high;
        while (left <= right) {
            while (places[left].at[axis] < pivot)
                left++;
            while (places[right].at[axis] > pivot)
                right--;
            if (left <= right)
                swap(&places[left++], &places[right--]);
        }
        if (middle <= right)
            high = right;
        else if (middle >= left)
            low = left;
        else
            return;
    }
}

// Along which points of a range lie farthest apart.
static uint8_t widest_axis(const struct place *places, int low, int high)
{
    uint8_t widest = 0;
    float most = -1;
    for (uint8_t axis = 0; axis < 3; axis++) {
        float least = INFINITY, largest = -INFINITY;
        for (int i = low; i <= high; i++) {
            least = fminf(least, places[i].at[axis]);
            largest = fmaxf(largest, places[i].at[axis]);
        }
        if (largest - least > most) {
            most = largest - least;
            widest = axis;
        }
    }
    return widest;
}

static void build(struct kd_tree *tree, int low, int high)
{
    while (high - low >= LEAF) {
        const int middle = low + (high - low) / 2;
        const uint8_t axis = widest_axis(tree->places, low, high);
        select_middle(tree->places, low, high, middle, axis);
        tree->axes[middle] = axis;
        build(tree, low, middle - 1);
        low = middle + 1;
    }
}

struct kd_tree *kd_tree_make(int count, const float (*points)[3])
{
    struct kd_tree *tree = mem_zalloc(1, sizeof(*tree));
    tree->count = count;
    tree->places = mem_zalloc((size_t)count, sizeof(*tree->places));
    tree->axes = mem_zalloc((size_t)count, sizeof(*tree->axes));
    for (int i = 0; i < count; i++) {
        memcpy(tree->places[i].at, points[i], sizeof(points[i]));
        tree->places[i].index = i;
    }
    build(tree, 0, count - 1);
    return tree;
}

void kd_tree_free(struct kd_tree **tree)
{
    if (!*tree)
        return;
    free((*tree)->places);
    free((*tree)->axes);
    free(*tree);
    *tree = NULL;
}

struct nearest {
    double point[3];
    double distance; // squared
    int index;
};

static void look_at(const struct place *place, struct nearest *nearest)
{
    double distance = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double apart = (double)place->at[axis] - nearest->point[axis];
        distance += apart * apart;
    }
    if (distance < nearest->distance ||
        (distance == nearest->distance && place->index < nearest->index)) {
        nearest->distance = distance;
        nearest->index = place->index;
    }
}

static void search(const struct kd_tree *tree, int low, int high, struct nearest *nearest)
{
    while (high - low >= LEAF) {
        const int middle = low + (high - low) / 2, axis = tree->axes[middle];
        const double beyond = nearest->point[axis] - (double)tree->places[middle].at[axis];
        look_at(&tree->places[middle], nearest);
        // The side where the point is, then the other, unless all there is farther away.
        if (beyond < 0) {
            search(tree, low, middle - 1, nearest);
            low = middle + 1;
        } else {
            search(tree, middle + 1, high, nearest);
            high = middle - 1;
        }
        if (beyond * beyond > nearest->distance)
            return;
    }
    for (int i = low; i <= high; i++)
        look_at(&tree->places[i], nearest);
}

int kd_tree_nearest(const struct kd_tree *tree, const double point[3])
{
    struct nearest nearest = {{point[0], point[1], point[2]}, INFINITY, tree->count};
    search(tree, 0, tree->count - 1, &nearest);
    return nearest.index;
}
