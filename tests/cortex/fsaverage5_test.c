// SPDX-License-Identifier: MIT
// fsaverage5, from the folder in the environment's VKGRID_SHARED, else beside the source tree, as
// the subject and as what it is registered to. The bounds of Dice stand just below what was
// measured.
#include "tests/cortex/meshes.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flatten.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { VERTICES = 10242, AREAS = 3, NETWORK_ROWS = 128 };

static char *shared;
static struct cortex_template *template;

static void link_file(const char *name, const char *hemi, const char *side, const char *ours)
{
    char *from = text_format("%s/gifti/%s_%s.gii.gz", shared, name, side);
    assert_int_equal(symlink(from, scratch_path("fsaverage5/surf/%s.%s", hemi, ours)), 0);
    free(from);
}

static int set_up(void **state)
{
    static const char *const files[][2] = {
        {"white", "white"}, {"pial", "pial"}, {"sphere", "sphere"},  {"sphere", "sphere.reg"},
        {"curv", "curv"},   {"sulc", "sulc"}, {"thick", "thickness"}};
    const char *source = getenv("VKGRID_SOURCE"), *named = getenv("VKGRID_SHARED");
    (void)state;
    shared = named ? text_format("%s/data/fsaverage5", named)
                   : text_format("%s/../shared/data/fsaverage5", source ? source : ".");
    if (!folder_exists(shared))
        return 0;
    char *whole = realpath(shared, NULL);
    free(shared);
    shared = whole;
    must(folder_make(scratch_path("fsaverage5/surf")));
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        link_file(files[i][0], "lh", "left", files[i][1]);
        link_file(files[i][0], "rh", "right", files[i][1]);
    }
    must(template_open(scratch_path("fsaverage5"), &template));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    template_close(&template);
    scratch_remove();
    free(shared);
    return 0;
}

static void open_flat(int rows, struct flat_subject *flat)
{
    const struct flat_settings settings = {.radius = FLAT_RADIUS, .rows = rows};
    if (!template)
        SKIP_TEST("%s is not there", shared);
    must(flat_subject_open(scratch_path("fsaverage5"), NULL, template, &settings, flat));
}

// The areas of the atlas: fsaverage5's vertices are the first of fsaverage's.
static int32_t *areas_of(int side)
{
    struct vertex_labels labels;
    char *path = text_format("%s/fsaverage_labels/%s.benson14_varea.v4_0.mgz", shared,
                             hemisphere_names[side]);
    int32_t *keys = mem_alloc(VERTICES * sizeof(*keys));
    must(vertex_labels_read(path, &labels));
    assert_int_equal(labels.count, 163842);
    for (int i = 0; i < VERTICES; i++)
        keys[i] = labels.keys[i] <= AREAS ? labels.keys[i] : 0;
    vertex_labels_free(&labels);
    free(path);
    return keys;
}

static void is_not_moved(void **state)
{
    struct flat_subject flat;
    float moved[1][3];
    (void)state;
    open_flat(32, &flat);
    for (int side = LEFT; side < HEMISPHERES; side++)
        for (int i = 0; i < VERTICES; i++) {
            const float(*point)[3] = (const float(*)[3]) & flat.hemispheres[side].midgray.points[i];
            rigid_move(&flat.motions[side], 1, point, moved);
            for (int k = 0; k < 3; k++)
                assert_float_equal(moved[0][k], (*point)[k], 1e-4);
        }
    flat_subject_close(&flat);
}

static void has_v1_at_the_inner_side(void **state)
{
    struct flat_subject flat;
    (void)state;
    open_flat(32, &flat);
    for (int side = LEFT; side < HEMISPHERES; side++) {
        int32_t *areas = areas_of(side);
        const struct flat_map *map = &flat.maps[side];
        int count = 0, right = 0;
        for (int i = 0; i < map->vertex_count; i++)
            if (areas[map->vertices[i]] == 1) {
                count++;
                right += map->points[i][0] > 0;
            }
        assert_int_equal(count, side == LEFT ? 231 : 236); // all of V1 is in the map
        assert_true(side == LEFT ? right > 0.95 * count : right < 0.05 * count);
        free(areas);
    }
    flat_subject_close(&flat);
}

// A hemisphere's sphere divided so many times, and the areas of its vertices.
struct mesh {
    struct hemisphere hemisphere;
    int32_t *areas;
};

static struct mesh mesh_of(const struct flat_subject *flat, int side, int divisions)
{
    const struct surface *sphere = &flat->hemispheres[side].sphere;
    struct mesh mesh = {.hemisphere = {.side = side}, .areas = areas_of(side)};
    struct surface *divided = &mesh.hemisphere.sphere;
    *divided = *sphere;
    divided->points = mem_alloc(VERTICES * sizeof(*divided->points));
    divided->faces = mem_alloc((size_t)sphere->face_count * sizeof(*divided->faces));
    memcpy(divided->points, sphere->points, VERTICES * sizeof(*divided->points));
    memcpy(divided->faces, sphere->faces, (size_t)sphere->face_count * sizeof(*divided->faces));
    for (int i = 0; i < divisions; i++) {
        const int old = divided->vertex_count;
        int32_t *parents = mem_zalloc(2 * (size_t)divided->face_count, sizeof(*parents));
        mesh_divide(divided, 100, parents);
        mesh.areas = mem_grow(mesh.areas, (size_t)divided->vertex_count, sizeof(*mesh.areas));
        for (int k = old; k < divided->vertex_count; k++)
            mesh.areas[k] = mesh.areas[parents[k - old]];
        free(parents);
    }
    mesh.hemisphere.vertex_count = divided->vertex_count;
    return mesh;
}

static double dice(int count, const int32_t *a, const int32_t *b, int key)
{
    int both = 0, sum = 0;
    for (int i = 0; i < count; i++) {
        both += a[i] == key && b[i] == key;
        sum += (a[i] == key) + (b[i] == key);
    }
    return 2. * both / sum;
}

// The areas as an image of masks, which is what a perfect network would predict, and back. Returns
// the least Dice of the areas.
static double mesh_round_trip(const struct mesh *mesh, int rows, int side_pixels)
{
    const size_t pixels = 2 * (size_t)rows * (size_t)rows;
    const int count = mesh->hemisphere.vertex_count;
    float *image = mem_zalloc(pixels, sizeof(*image));
    float *values = mem_zalloc(AREAS * (size_t)count, sizeof(*values));
    uint8_t *mask = mem_zalloc((size_t)count, 1), *painted = mem_zalloc(pixels, 1);
    int32_t *keys = mem_zalloc((size_t)count, sizeof(*keys));
    struct flat_map map;
    struct flat_raster raster;
    double least = 1;
    must(flat_map_make(&mesh->hemisphere, FLAT_RADIUS, &map));
    must(flat_raster_make(&map, rows, &raster));
    for (int area = 0; area < AREAS; area++) {
        for (int i = 0; i < count; i++)
            mask[i] = mesh->areas[i] == area + 1;
        flat_paint_mask(&map, &raster, mask, painted);
        for (size_t i = 0; i < pixels; i++)
            image[i] = (float)painted[i] / 255;
        must(flat_values(&map, side_pixels, rows, image, values + (size_t)area * (size_t)count));
    }
    flat_labels(&map, AREAS, values, keys);
    for (int area = 1; area <= AREAS; area++)
        least = fmin(least, dice(count, keys, mesh->areas, area));
    flat_raster_free(&raster);
    flat_map_free(&map);
    free(keys);
    free(painted);
    free(mask);
    free(values);
    free(image);
    return least;
}

// The least Dice of both hemispheres.
static double round_trip(int divisions, int rows, int side_pixels)
{
    struct flat_subject flat;
    double least = 1;
    open_flat(32, &flat);
    for (int side = LEFT; side < HEMISPHERES; side++) {
        struct mesh mesh = mesh_of(&flat, side, divisions);
        least = fmin(least, mesh_round_trip(&mesh, rows, side_pixels));
        hemisphere_free(&mesh.hemisphere);
        free(mesh.areas);
    }
    printf("%d divisions, %d rows, back at %d: Dice %.4f\n", divisions, rows, side_pixels, least);
    flat_subject_close(&flat);
    return least;
}

// Pixels of 0.4 and 1.5 mm find each of fsaverage5's vertices, which are 4 mm apart.
static void comes_back_whole(void **state)
{
    (void)state;
    assert_true(round_trip(0, FLAT_ROWS, FLAT_ROWS) == 1);
    assert_true(round_trip(0, NETWORK_ROWS, NETWORK_ROWS) == 1);
    assert_true(round_trip(0, NETWORK_ROWS, FLAT_ROWS) == 1);
}

// Those of a person (163,842 vertices, 1 mm apart) share pixels of 1.5 mm.
static void comes_back_from_a_fine_mesh(void **state)
{
    (void)state;
    assert_true(round_trip(2, FLAT_ROWS, FLAT_ROWS) >= 0.999);
    assert_true(round_trip(2, NETWORK_ROWS, NETWORK_ROWS) >= 0.93);
    assert_true(round_trip(2, NETWORK_ROWS, FLAT_ROWS) >= 0.93); // as `label` does
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_not_moved),
        cmocka_unit_test(has_v1_at_the_inner_side),
        cmocka_unit_test(comes_back_whole),
        cmocka_unit_test(comes_back_from_a_fine_mesh),
    };
    return RUN_TESTS(tests, set_up, tear_down);
}
