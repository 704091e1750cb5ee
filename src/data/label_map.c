// SPDX-License-Identifier: MIT
#include "vkgrid/data/label_map.h"

#include <stdbool.h>
#include <string.h>

static const char *const areas[] = {"V1", "V2", "V3"};
static const char *const rings[] = {"E0", "E1", "E2", "E3", "E4"};
#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static bool are(const char *const *names, const char *const *wanted, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], wanted[i]) != 0)
            return false;
    return true;
}

int label_groups(const char *set, const char *const *labels, int count,
                 struct label_group groups[LABEL_GROUPS])
{
    // A set of the user's own may have this name too.
    if (strcmp(set, "sect") == 0 && count == COUNT(areas) + COUNT(rings) &&
        are(labels, areas, COUNT(areas)) && are(labels + COUNT(areas), rings, COUNT(rings))) {
        groups[0] = (struct label_group){"area", labels, 0, COUNT(areas)};
        groups[1] = (struct label_group){"ring", labels + COUNT(areas), COUNT(areas), COUNT(rings)};
        return 2;
    }
    groups[0] = (struct label_group){set, labels, 0, count};
    return 1;
}

uint8_t label_of(const float *values, int labels, size_t stride)
{
    int best = 0;
    double sum = 0; // exact, or nearly: the same in any order of the labels
    for (int k = 0; k < labels; k++) {
        const float value = values[(size_t)k * stride];
        sum += (double)value;
        if (value > values[(size_t)best * stride])
            best = k;
    }
    return (double)values[(size_t)best * stride] > 1 - sum ? (uint8_t)(best + 1) : 0;
}

#define HUES 8
static const uint8_t hues[HUES][3] = {{230, 159, 0},   {0, 114, 178},  {0, 158, 115},
                                      {204, 121, 167}, {86, 180, 233}, {213, 94, 0},
                                      {240, 228, 66},  {128, 128, 128}};
#define SHADES 32 // HUES * SHADES >= LABEL_CLASSES - 1

void label_colour(int class, uint8_t colour[3])
{
    if (class == 0) {
        memset(colour, 255, 3);
        return;
    }
    // Shades 0, 1/2, 1/4, 3/4, 1/8, ... of the way to black: early ones lie far apart.
    int dark = 0, shade = (class - 1) / HUES;
    for (int bit = SHADES / 2; bit > 0; bit /= 2, shade /= 2)
        dark += bit * (shade & 1);
    for (int i = 0; i < 3; i++)
        colour[i] = (uint8_t)(hues[(class - 1) % HUES][i] * (SHADES - dark) / SHADES);
}
