// SPDX-License-Identifier: MIT
// Against torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False).
#include "tests/formats/oracle.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// PyTorch's own arithmetic in its own order, but for fused multiply-add: sums of weights near 1
// over values in 0..1.
static const double bound = 1e-6;

static void agrees_with_torch(void **state)
{
    DIR *folder = opendir(scratch_path("."));
    double worst = 0;
    int cases = 0;
    (void)state;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        struct image image, wanted;
        const char *tail = strstr(entry->d_name, ".in.npy");
        if (!tail)
            continue;
        assert_true(image_read(scratch_path("%s", entry->d_name), &image));
        assert_true(image_read(
            scratch_path("%.*s.out.npy", (int)(tail - entry->d_name), entry->d_name), &wanted));
        assert_true(image_resize(&image, wanted.rows, wanted.cols));
        for (int i = 0; i < wanted.rows * wanted.cols; i++) {
            const double error = fabs((double)image.values[i] - (double)wanted.values[i]);
            if (!(error <= bound))
                fail_msg("%s: element %d is %g off", entry->d_name, i, error);
            worst = error > worst ? error : worst;
        }
        cases++;
        image_free(&image);
        image_free(&wanted);
    }
    closedir(folder);
    printf("%d sizes, worst element %.2g off\n", cases, worst);
    assert_true(cases > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_torch)};
    int failed = 1;
    if (!oracle_probe())
        return SKIPPED;
    if (oracle_run("resize", scratch_path(".")))
        failed = cmocka_run_group_tests_name("resize against PyTorch", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
