// SPDX-License-Identifier: MIT
// A subject's files: where they are, what is said when something is wrong with them.
#include "tests/cortex/meshes.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/template.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEVEL = 3, VERTICES = 642 };

static void remove_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void expect_path(const struct subject *subject, const char *pattern, int side,
                        const char *expected)
{
    char *path;
    must(subject_path(subject, pattern, side, &path));
    assert_string_equal(path, expected);
    free(path);
}

static void fills_patterns_in(void **state)
{
    struct subject subject;
    subject_write("ann", "sphere.reg", 0, 60);
    must(folder_make(scratch_path("ann/label")));
    scratch_write(scratch_path("ann/label/rh.aparc.annot"), "x", 1);
    scratch_write(scratch_path("ann/surf/L.mine"), "x", 1);
    (void)state;
    must(subject_open(scratch_path("ann//"), NULL, &subject));
    assert_string_equal(subject.name, "ann");
    assert_string_equal(subject.folder, scratch_path("ann"));
    expect_path(&subject, "curv", LEFT, scratch_path("ann/surf/lh.curv"));
    expect_path(&subject, "aparc.annot", RIGHT, scratch_path("ann/label/rh.aparc.annot"));
    expect_path(&subject, "{side}.mine", LEFT, scratch_path("ann/surf/L.mine"));
    expect_path(&subject, "a/{subject}.{side}.{hemi}{x}{", RIGHT,
                scratch_path("ann/a/ann.R.rh{x}{"));
    expect_path(&subject, "/abs/{hemi}", LEFT, "/abs/lh");
    char *path;
    assert_false(subject_path(&subject, "none.mgz", LEFT, &path));
    assert_error("ann: neither surf nor label has lh.none.mgz");
    assert_null(path);
    subject_close(&subject);
}

static void takes_its_folders_name(void **state)
{
    char *here = getcwd(NULL, 0);
    struct subject subject;
    subject_write("bob", "sphere.reg", 0, 60);
    assert_int_equal(symlink("bob", scratch_path("link")), 0);
    (void)state;
    must(subject_open(scratch_path("link/"), NULL, &subject));
    assert_string_equal(subject.name, "link");
    subject_close(&subject);
    assert_int_equal(chdir(scratch_path("bob/surf")), 0);
    must(subject_open("..", NULL, &subject));
    assert_string_equal(subject.name, "bob");
    subject_close(&subject);
    assert_int_equal(chdir(here), 0);
    free(here);
}

static void looks_in_subjects_dir(void **state)
{
    struct subject subject;
    (void)state;
    subject_write("study/eve", "sphere.reg", 0, 60);
    setenv("SUBJECTS_DIR", scratch_path("study"), 1);
    must(subject_open("eve/", NULL, &subject));
    assert_string_equal(subject.folder, scratch_path("study/eve"));
    assert_string_equal(subject.name, "eve");
    subject_close(&subject);
    assert_false(subject_open("nobody", NULL, &subject));
    assert_error("nobody: no such folder, neither here nor in SUBJECTS_DIR (");
    assert_false(subject_open("./eve", NULL, &subject)); // a path is one
    assert_error("./eve: no such folder: that of a FreeSurfer subject is needed");
    unsetenv("SUBJECTS_DIR");
    assert_false(subject_open("eve", NULL, &subject));
    assert_error("eve: no such folder: that of a FreeSurfer subject is needed, or its name");
}

static void refuses_folders(void **state)
{
    struct subject subject;
    (void)state;
    assert_false(subject_open(scratch_path("nobody"), NULL, &subject));
    assert_error("nobody: no such folder");
    must(folder_make(scratch_path("empty")));
    assert_false(subject_open(scratch_path("empty"), NULL, &subject));
    assert_error("empty: neither a FreeSurfer subject, which has a folder surf, nor one of the");
    must(folder_make(scratch_path(".hidden/surf")));
    assert_false(subject_open(scratch_path(".hidden"), NULL, &subject));
    assert_error("its name is that of its images");
    const struct subject_patterns patterns = {{[FILE_WHITE] = "{hemi}.white"}};
    must(subject_open(scratch_path("empty"), &patterns, &subject)); // its files may be anywhere
    subject_close(&subject);
}

static void check_read(const char *name, const char *error)
{
    struct subject subject;
    struct hemisphere hemisphere;
    must(subject_open(scratch_path("%s", name), NULL, &subject));
    assert_false(hemisphere_read(&subject, LEFT, &hemisphere));
    assert_error(error);
    must(hemisphere_read(&subject, RIGHT, &hemisphere)); // which has no fault
    hemisphere_free(&hemisphere);
    subject_close(&subject);
}

static void takes_the_mean_of_both_surfaces(void **state)
{
    struct subject subject;
    struct hemisphere hemisphere;
    struct surface sphere = icosphere(LEVEL, 100);
    struct surface middle = lump(&sphere, 61.5f, -35, 1, 2);
    subject_write("mean", "sphere.reg", LEVEL, 60);
    (void)state;
    must(subject_open(scratch_path("mean"), NULL, &subject));
    must(hemisphere_read(&subject, LEFT, &hemisphere));
    assert_int_equal(hemisphere.vertex_count, VERTICES);
    for (int i = 0; i < VERTICES; i++)
        for (int k = 0; k < 3; k++)
            assert_float_equal(hemisphere.midgray.points[i][k], middle.points[i][k], 1e-4);
    hemisphere_free(&hemisphere);
    subject_close(&subject);
    surface_free(&middle);
    surface_free(&sphere);
}

static void says_what_is_missing(void **state)
{
    static const char *const names[] = {"white", "pial", "sphere.reg"};
    static const char *const errors[] = {"white: no such file: the subject's white is needed",
                                         "pial: no such file: the subject's pial is needed",
                                         "sphere.reg: no such file: the subject's sphere is"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char *name = text_format("without%d", i);
        subject_write(name, "sphere.reg", LEVEL, 60);
        remove_file(scratch_path("%s/surf/lh.%s", name, names[i]));
        check_read(name, errors[i]);
        free(name);
    }
    // The sphere before mris_register.
    struct surface sphere = icosphere(LEVEL, 100);
    surface_write(scratch_path("without2/surf/lh.sphere"), &sphere);
    check_read("without2", "lh.sphere is not registered to fsaverage: recon-all -surfreg");
    surface_free(&sphere);
}

static void refuses_other_counts(void **state)
{
    struct surface small = icosphere(LEVEL - 1, 100);
    (void)state;
    subject_write("counts", "sphere.reg", LEVEL, 60);
    surface_write(scratch_path("counts/surf/lh.pial"), &small);
    check_read("counts", "counts: lh.pial has 162 vertices, but lh.white 642");
    subject_write("counts", "sphere.reg", LEVEL, 60);
    surface_write(scratch_path("counts/surf/lh.sphere.reg"), &small);
    check_read("counts", "counts: lh.sphere has 162 vertices, but lh.white 642");
    surface_free(&small);
}

static void refuses_what_is_no_sphere(void **state)
{
    struct surface sphere = icosphere(LEVEL, 100), brain = lump(&sphere, 100, 0, 0, 0);
    (void)state;
    subject_write("brain", "sphere.reg", LEVEL, 60);
    surface_write(scratch_path("brain/surf/lh.sphere.reg"), &brain);
    check_read("brain", "brain: lh.sphere is no sphere around 0: its vertices are");
    memset(sphere.points[5], 0, sizeof(sphere.points[5]));
    surface_write(scratch_path("brain/surf/lh.sphere.reg"), &sphere);
    check_read("brain", "its vertices are 0 to 100");
    sphere.points[5][1] = NAN;
    surface_write(scratch_path("brain/surf/lh.sphere.reg"), &sphere);
    check_read("brain", "brain/surf/lh.sphere.reg");
    surface_free(&brain);
    surface_free(&sphere);
}

static void finds_fsaverage(void **state)
{
    struct cortex_template *template;
    (void)state;
    subject_write("subjects/fsaverage", "sphere", LEVEL, 60);
    unsetenv("FREESURFER_HOME");
    unsetenv("SUBJECTS_DIR");
    assert_false(template_open(NULL, &template));
    assert_error("fsaverage: not found: --fsaverage DIR, or SUBJECTS_DIR or FREESURFER_HOME");
    setenv("FREESURFER_HOME", scratch_path("."), 1);
    setenv("SUBJECTS_DIR", scratch_path("nowhere"), 1); // then the other one
    must(template_open(NULL, &template));
    assert_string_equal(template_folder(template), scratch_path("./subjects/fsaverage"));
    template_close(&template);
    setenv("SUBJECTS_DIR", scratch_path("subjects"), 1);
    must(template_open(NULL, &template));
    assert_string_equal(template_folder(template), scratch_path("subjects/fsaverage"));
    template_close(&template);
    assert_false(template_open(scratch_path("nowhere"), &template));
    assert_error("nowhere: no such folder");
    template_close(&template);
}

static char *identity_of(const char *name, const char *doubt)
{
    struct cortex_template *template;
    must(template_open(scratch_path("%s", name), &template));
    char *identity = text_copy(template_identity(template)), *said = template_doubt(template);
    if (doubt)
        assert_non_null(strstr(said, doubt));
    else
        assert_null(said);
    free(said);
    template_close(&template);
    return identity;
}

// Another brain has another identity; one whose mesh is not fsaverage's is doubted.
static void knows_one_template_from_another(void **state)
{
    struct surface small = icosphere(LEVEL, 90), odd = icosphere(LEVEL, 100);
    (void)state;
    subject_write("one", "sphere", LEVEL, 60);
    subject_write("two", "sphere", LEVEL, 61);
    char *one = identity_of("one", NULL), *two = identity_of("two", NULL);
    char *again = identity_of("one", NULL);
    assert_string_equal(one, again);
    assert_string_not_equal(one, two);
    free(again);
    surface_write(scratch_path("one/surf/rh.sphere"), &small);
    again = identity_of("one", "rh.sphere has a radius of 90, not 100: is it fsaverage?");
    assert_string_not_equal(one, again);
    odd.face_count--; // a triangle is missing, as in no fsaverage
    surface_write(scratch_path("two/surf/lh.sphere"), &odd);
    free(identity_of("two", "lh.sphere has 642 vertices"));
    free(again);
    free(two);
    free(one);
    surface_free(&small);
    surface_free(&odd);
}

static int clean(void **state)
{
    (void)state;
    scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_patterns_in),
        cmocka_unit_test(takes_its_folders_name),
        cmocka_unit_test(looks_in_subjects_dir),
        cmocka_unit_test(refuses_folders),
        cmocka_unit_test(takes_the_mean_of_both_surfaces),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(refuses_other_counts),
        cmocka_unit_test(refuses_what_is_no_sphere),
        cmocka_unit_test(finds_fsaverage),
        cmocka_unit_test(knows_one_template_from_another),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
