// SPDX-License-Identifier: MIT
// A made-up subject becomes images.
#include "tests/cortex/meshes.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flatten.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEVEL = 4, VERTICES = 2562, ROWS = 64, PIXELS = 2 * ROWS * ROWS };

static const struct flat_settings settings = {.radius = FLAT_RADIUS, .rows = ROWS};
static struct cortex_template *template;
static float image[PIXELS];

static int set_up(void **state)
{
    (void)state;
    subject_write("fsaverage", "sphere", LEVEL, 60);
    must(template_open(scratch_path("fsaverage"), &template));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    template_close(&template);
    scratch_remove();
    return 0;
}

static void open_subject(const char *name, struct flat_subject *flat)
{
    must(flat_subject_open(scratch_path("%s", name), NULL, template, &settings, flat));
}

static bool feature(struct flat_subject *flat, const char *name)
{
    struct flat_source source = {.name = text_copy(name)};
    const bool done = flat_feature(flat, &source, image);
    flat_source_free(&source);
    return done;
}

static float middle(const float *values, int side)
{
    return values[(ROWS / 2) * 2 * ROWS + side * ROWS + ROWS / 2];
}

// The template's own shape is not moved.
static void has_all_features(void **state)
{
    struct flat_subject flat;
    (void)state;
    subject_write("self", "sphere.reg", LEVEL, 60);
    open_subject("self", &flat);
    assert_true(flat.motions[LEFT].residual < 1e-4 && flat.motions[RIGHT].residual < 1e-4);
    for (int i = 0; flat_features[i]; i++) {
        must(feature(&flat, flat_features[i]));
        assert_true(isfinite(middle(image, LEFT)) && middle(image, LEFT) != 0);
        assert_true(image[0] == 0 && image[PIXELS - 1] == 0);
    }
    must(feature(&flat, "x"));
    assert_true(middle(image, LEFT) < -30 && middle(image, RIGHT) > 20);
    must(feature(&flat, "thickness"));
    assert_float_equal(middle(image, RIGHT), 2, 1e-5);
    assert_false(feature(&flat, "colour"));
    assert_error("colour: no such feature: x, y, z, curvature");
    flat_subject_close(&flat);
}

// Of the whole sphere: 4 pi r^2 of the triangles, spread over the vertices.
static void computes_areas(void **state)
{
    struct surface sphere = icosphere(LEVEL, 60);
    struct flat_subject flat;
    (void)state;
    subject_write("ball", "sphere.reg", LEVEL, 60);
    for (int side = LEFT; side < HEMISPHERES; side++) {
        surface_write(scratch_path("ball/surf/%s.white", hemisphere_names[side]), &sphere);
        surface_write(scratch_path("ball/surf/%s.pial", hemisphere_names[side]), &sphere);
    }
    open_subject("ball", &flat);
    must(feature(&flat, "surface_area"));
    const double mean = 4 * 3.14159265 * 60 * 60 / VERTICES;
    assert_true(middle(image, LEFT) > 0.7 * mean && middle(image, LEFT) < 1.3 * mean);
    // A file of them goes first.
    float *values = mem_zalloc(VERTICES, sizeof(*values));
    for (int i = 0; i < VERTICES; i++)
        values[i] = 5;
    values_write(scratch_path("ball/surf/lh.area.mid"), VERTICES, values);
    must(feature(&flat, "surface_area"));
    assert_float_equal(middle(image, LEFT), 5, 1e-5);
    assert_true(middle(image, RIGHT) > 0.7 * mean);
    free(values);
    flat_subject_close(&flat);
    surface_free(&sphere);
}

// sulc of FreeSurfer (here about 10) is divided, that of the HCP (below 2) is not.
static void scales_convexity(void **state)
{
    struct flat_subject flat;
    float *values = mem_zalloc(VERTICES, sizeof(*values));
    (void)state;
    subject_write("sulc", "sphere.reg", LEVEL, 60);
    open_subject("sulc", &flat);
    must(feature(&flat, "convexity"));
    assert_true(flat.convexity_known && flat.convexity_scale == 0.1f);
    assert_true(middle(image, LEFT) >= 1 && middle(image, LEFT) < 1.3);
    for (int i = 0; i < VERTICES; i++)
        values[i] = 1.5f;
    values_write(scratch_path("sulc/surf/lh.sulc"), VERTICES, values);
    values_write(scratch_path("sulc/surf/rh.sulc"), VERTICES, values);
    must(feature(&flat, "convexity"));
    assert_true(flat.convexity_scale == 1);
    assert_float_equal(middle(image, RIGHT), 1.5, 1e-6);
    free(values);
    flat_subject_close(&flat);
}

static void check_values(struct flat_subject *flat, const float *values, int count,
                         const char *error)
{
    values_write(scratch_path("wrong/surf/rh.curv"), count, values);
    assert_false(feature(flat, "curvature"));
    assert_error(error);
}

static void refuses_wrong_values(void **state)
{
    struct flat_subject flat;
    float *values = mem_zalloc(VERTICES, sizeof(*values));
    (void)state;
    subject_write("wrong", "sphere.reg", LEVEL, 60);
    open_subject("wrong", &flat);
    check_values(&flat, values, VERTICES - 1,
                 "wrong/surf/rh.curv: has 2561 values, but rh.white 2562 vertices");
    values[7] = INFINITY;
    check_values(&flat, values, VERTICES, "rh.curv: the value of vertex 7 is infinite");
    for (int i = 0; i < VERTICES; i++)
        values[i] = NAN;
    check_values(&flat, values, VERTICES, "rh.curv: all of its values are NaN");
    for (int i = 0; i < VERTICES; i++)
        values[i] = i < 10 ? NAN : 1;
    values_write(scratch_path("wrong/surf/rh.curv"), VERTICES, values);
    must(feature(&flat, "curvature"));
    assert_int_equal(flat.nan_vertices, 10);
    remove(scratch_path("wrong/surf/rh.curv"));
    assert_false(feature(&flat, "curvature"));
    assert_error("rh.curv: no such file: the subject's curv is needed");
    free(values);
    flat_subject_close(&flat);
}

static void parses_sources(void **state)
{
    static const char *const wrong[] = {"",      "V1",        "V1=",  "=a.mgz",
                                        "V1=:3", "V1=a.mgz:", ".V=a", "a/b=c"};
    struct flat_source source;
    (void)state;
    must(flat_source_parse("V1=x/{hemi}.a:b.mgz:2", true, &source));
    assert_string_equal(source.name, "V1");
    assert_string_equal(source.pattern, "x/{hemi}.a:b.mgz");
    assert_string_equal(source.key, "2");
    flat_source_free(&source);
    must(flat_source_parse("V1=v1.label", true, &source));
    assert_null(source.key);
    flat_source_free(&source);
    must(flat_source_parse("myelin=a:b", false, &source));
    assert_string_equal(source.pattern, "a:b");
    assert_null(source.key);
    flat_source_free(&source);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(flat_source_parse(wrong[i], true, &source));
        assert_error("--label NAME=FILE:KEY: is \"");
    }
    assert_false(flat_source_parse("V1=surf/lh.v.mgz:1", true, &source));
    assert_error("FILE:KEY: \"surf/lh.v.mgz\" would be one file for both hemispheres: {hemi}");
    must(flat_source_parse("m={subject}/{side}.a", false, &source));
    flat_source_free(&source);
}

// 255 where the label is, else 0: painted is [rows][2 * rows].
static bool paint_label(struct flat_subject *flat, const struct flat_source *source,
                        uint8_t *painted)
{
    uint8_t *masks[HEMISPHERES];
    const bool good = flat_label_read(flat, source, masks);
    for (int side = LEFT; side < HEMISPHERES && good; side++)
        flat_paint_mask(&flat->maps[side], &flat->rasters[side], masks[side], painted);
    for (int side = LEFT; side < HEMISPHERES; side++)
        free(masks[side]);
    return good;
}

// Labels of an annotation by name and number, of integers, of a list of vertices.
static void paints_labels(void **state)
{
    static const char list[] = "#!ascii label\n3\n0 0 0 0 0\n1 0 0 0 0\n2561 0 0 0 0\n";
    int32_t *keys = mem_zalloc(VERTICES, sizeof(*keys));
    struct label_entry entries[] = {{.key = 1, .name = "one", .color = {255, 0, 0, 255}},
                                    {.key = 2, .name = "two", .color = {0, 255, 0, 255}}};
    uint8_t *masks[4];
    struct flat_subject flat;
    (void)state;
    subject_write("labels", "sphere.reg", LEVEL, 60);
    open_subject("labels", &flat);
    for (int i = 0; i < VERTICES; i++)
        keys[i] = i % 3;
    const struct vertex_labels labels = {
        .count = VERTICES, .keys = keys, .entries = entries, .entry_count = 2};
    must(folder_make(scratch_path("labels/label")));
    for (int side = LEFT; side < HEMISPHERES; side++) {
        const char *hemi = hemisphere_names[side];
        must(annot_write(scratch_path("labels/label/%s.both.annot", hemi), &labels));
        must(mgz_write_labels(scratch_path("labels/surf/%s.both.mgz", hemi), VERTICES, keys));
        scratch_write(scratch_path("labels/label/%s.three.label", hemi), list, sizeof(list) - 1);
    }
    static const char *const texts[] = {"a=both.annot:two", "a=both.annot:2", "a=both.mgz:2",
                                        "a=three.label"};
    for (int i = 0; i < 4; i++) {
        struct flat_source source;
        masks[i] = mem_zalloc(PIXELS, 1);
        must(flat_source_parse(texts[i], true, &source));
        must(paint_label(&flat, &source, masks[i]));
        flat_source_free(&source);
    }
    assert_memory_equal(masks[0], masks[1], PIXELS);
    assert_memory_equal(masks[0], masks[2], PIXELS);
    int count = 0;
    for (int i = 0; i < PIXELS; i++)
        count += masks[0][i] == 255;
    assert_true(count > 0.2 * PIXELS && count < 0.3 * PIXELS); // a third of what is in the discs
    assert_memory_not_equal(masks[0], masks[3], PIXELS);
    struct flat_source source;
    must(flat_source_parse("a=both.annot:towo", true, &source));
    assert_false(paint_label(&flat, &source, masks[0]));
    assert_error("lh.both.annot: has no label \"towo\": did you mean \"two\"?");
    flat_source_free(&source);
    must(flat_source_parse("a=both.mgz:V1", true, &source));
    assert_false(paint_label(&flat, &source, masks[0]));
    assert_error("lh.both.mgz: has no label \"V1\": it has no names, a number is needed");
    must(mgz_write_labels(scratch_path("labels/surf/lh.both.mgz"), VERTICES - 1, keys));
    assert_false(paint_label(&flat, &source, masks[0]));
    assert_error("lh.both.mgz: has labels of 2561 vertices, but lh.white has 2562");
    flat_source_free(&source);
    for (int i = 0; i < 4; i++)
        free(masks[i]);
    flat_subject_close(&flat);
    free(keys);
}

// A folder of the Human Connectome Project's layout: other names, curvature with the other sign.
static void knows_the_connectomes_layout(void **state)
{
    static const struct {
        const char *from, *to;
    } files[] = {{"white", "T1w/Native/hcp.%s.white.native.surf.gii"},
                 {"pial", "T1w/Native/hcp.%s.pial.native.surf.gii"},
                 {"sphere.reg", "MNINonLinear/Native/hcp.%s.sphere.reg.native.surf.gii"},
                 {"curv", "MNINonLinear/Native/hcp.%s.curvature.native.shape.gii"},
                 {"sulc", "MNINonLinear/Native/hcp.%s.sulc.native.shape.gii"},
                 {"thickness", "MNINonLinear/Native/hcp.%s.corrThickness.native.shape.gii"}};
    struct flat_subject flat;
    float *before = mem_zalloc(PIXELS, sizeof(*before));
    (void)state;
    subject_write("plain", "sphere.reg", LEVEL, 60);
    open_subject("plain", &flat);
    must(feature(&flat, "curvature"));
    memcpy(before, image, sizeof(image));
    flat_subject_close(&flat);
    must(folder_make(scratch_path("hcp/T1w/Native")));
    must(folder_make(scratch_path("hcp/MNINonLinear/Native")));
    for (int side = LEFT; side < HEMISPHERES; side++)
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
            char *to = text_format(files[i].to, side == LEFT ? "L" : "R");
            assert_int_equal(
                symlink(scratch_path("plain/surf/%s.%s", hemisphere_names[side], files[i].from),
                        scratch_path("hcp/%s", to)),
                0);
            free(to);
        }
    open_subject("hcp", &flat);
    for (int i = 0; flat_features[i]; i++)
        must(feature(&flat, flat_features[i]));
    must(feature(&flat, "curvature"));
    for (int i = 0; i < PIXELS; i++)
        assert_true(image[i] == -before[i]);
    flat_subject_close(&flat);
    free(before);
}

static void keeps_a_record(void **state)
{
    struct flat_settings read;
    bool found;
    (void)state;
    must(folder_make(scratch_path("data")));
    must(flat_record_read(scratch_path("data"), &read, &found));
    assert_false(found);
    const struct flat_request request = {.data = scratch_path("data"), .settings = settings};
    must(flat_record_write(&request));
    must(flat_record_read(scratch_path("data"), &read, &found));
    assert_true(found && read.radius == settings.radius && read.rows == ROWS);
    static const char *const wrong[] = {"[]", "{\"radius\": 1}", "{\"rows\": 64}",
                                        "{\"radius\": 4, \"rows\": 64}",
                                        "{\"radius\": 1, \"rows\": 1e9}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        scratch_write(scratch_path("data/flatten.json"), wrong[i], strlen(wrong[i]));
        assert_false(flat_record_read(scratch_path("data"), &read, &found));
        assert_error("flatten.json");
    }
}

static void expect_likeness(const struct flat_request *request, enum flat_likeness expected,
                            const char *words)
{
    enum flat_likeness likeness;
    char *what;
    must(flat_record_compare(request, &likeness, &what));
    assert_int_equal(likeness, expected);
    assert_string_equal(what ? what : "", words);
    free(what);
}

// Of which files the images were made.
static void knows_other_sources(void **state)
{
    char v1[] = "V1", varea[] = "varea.mgz", one[] = "1", two[] = "2", v2[] = "V2", x[] = "x";
    struct flat_source features[] = {{.name = x}};
    struct flat_source labels[] = {{v1, varea, one}, {v2, varea, two}};
    char *data = text_format("%s", scratch_path("sources"));
    struct flat_request request = {data, settings, {{NULL}}, "f00d", features, labels, 1, 1};
    (void)state;
    must(folder_make(scratch_path("sources/V1")));
    must(flat_record_write(&request));
    expect_likeness(&request, FLAT_SAME, "");
    request.label_count = 2;
    expect_likeness(&request, FLAT_ADDS, "--label V2=varea.mgz:2");
    request.label_count = 0;
    expect_likeness(&request, FLAT_LACKS, "--label V1=varea.mgz:1");
    request.label_count = 1;
    labels[0].key = two;
    expect_likeness(&request, FLAT_DIFFERS, "with --label V1=varea.mgz:1");
    labels[0].key = one;
    features[0].pattern = varea;
    expect_likeness(&request, FLAT_DIFFERS, "without --feature x");
    features[0].pattern = NULL;
    request.patterns.files[FILE_PIAL] = "{hemi}.p";
    expect_likeness(&request, FLAT_DIFFERS, "without --file pial");
    request.patterns.files[FILE_PIAL] = NULL;
    request.fsaverage = "beef";
    expect_likeness(&request, FLAT_DIFFERS, "with another --fsaverage");
    static const char wrong[] =
        "{\"radius\": 1, \"rows\": 64, \"features\": {\"x\": []}, \"labels\": {}, \"files\": {}}";
    enum flat_likeness likeness;
    char *what;
    scratch_write(scratch_path("sources/flatten.json"), wrong, strlen(wrong));
    assert_false(flat_record_compare(&request, &likeness, &what));
    assert_error("x: a text or null is allowed");
    free(what);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_all_features),
        cmocka_unit_test(computes_areas),
        cmocka_unit_test(scales_convexity),
        cmocka_unit_test(refuses_wrong_values),
        cmocka_unit_test(parses_sources),
        cmocka_unit_test(paints_labels),
        cmocka_unit_test(knows_the_connectomes_layout),
        cmocka_unit_test(keeps_a_record),
        cmocka_unit_test(knows_other_sources),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
