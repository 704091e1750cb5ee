// SPDX-License-Identifier: MIT
// How many processors are used: quotas of control groups in root folders made here, and what wins
// of several limits.
#include "tests/test.h"
#include "vkgrid/base/processors.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "processors_test-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// A file of the root with all its folders.
static void put(const char *path, const char *text)
{
    char whole[2 * PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = 0;
        mkdir(whole, 0700);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

// Version 2 as systemd mounts it.
static void put_second(const char *group)
{
    char line[PATH_MAX];
    snprintf(line, sizeof line, "0::%s\n", group);
    put("/proc/self/cgroup", line);
    put("/proc/self/mountinfo",
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
}

// Version 1: cpu and cpuacct in one hierarchy, memory in another; mounted from a group on.
static void put_first(const char *group, const char *mounted)
{
    char text[4 * PATH_MAX];
    snprintf(text, sizeof text,
             "5:memory:/elsewhere\n4:cpuset:/other\n3:cpu,cpuacct:%s\n1:name=systemd:/x\n", group);
    put("/proc/self/cgroup", text);
    snprintf(text, sizeof text,
             "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
             "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
             "33 31 0:30 %s /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n",
             mounted);
    put("/proc/self/mountinfo", text);
}

static void put_quota(const char *folder, const char *quota, const char *period)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", folder);
    put(path, quota);
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", folder);
    put(path, period);
}

static void assert_quota(double quota)
{
    assert_float_equal(processors_quota(root), quota, 1e-9);
}

static void test_nothing(void **state)
{
    (void)state;
    assert_quota(0); // no /proc at all
    put("/proc/self/cgroup", "0::/job\n");
    put("/sys/fs/cgroup/job/cpu.max", "100000 100000\n");
    assert_quota(0); // nothing is mounted there
}

static void test_second_version(void **state)
{
    (void)state;
    put_second("/user.slice/job");
    assert_quota(0);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    assert_quota(0);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
    assert_quota(1.5);
    put("/sys/fs/cgroup/user.slice/other/cpu.max", "1000 100000\n");
    assert_quota(1.5); // somebody else's
    put("/sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
    assert_quota(0.5); // further up, smaller
    put("/sys/fs/cgroup/user.slice/cpu.max", "900000 100000\n");
    assert_quota(1.5);
    put("/sys/fs/cgroup/cpu.max", "20000 100000\n");
    assert_quota(0.2); // at the top: a container's own group
    put("/sys/cpu.max", "1000 100000\n");
    assert_quota(0.2); // above what is mounted
}

static void test_name_space(void **state)
{
    (void)state;
    put_second("/");
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    assert_quota(3);
    put_second("/../sibling"); // a group that cannot be seen from here
    assert_quota(0);
    put_second("/..");
    assert_quota(0);
    put_second("/a..b/..c");
    assert_quota(3);
}

static void test_first_version(void **state)
{
    (void)state;
    put_first("/slurm/job", "/");
    put_quota("/slurm/job", "-1\n", "100000\n");
    assert_quota(0);
    put_quota("/slurm/job", "250000\n", "50000\n");
    assert_quota(5);
    put_quota("/slurm", "100000\n", "100000\n");
    assert_quota(1);
    put_quota("/elsewhere", "1000\n", "100000\n"); // the group of another controller
    assert_quota(1);
}

// Docker without a name space of groups: the mount begins at the container's own group.
static void test_mounted_part(void **state)
{
    (void)state;
    put_quota("", "200000\n", "100000\n");
    put_first("/docker/0123", "/docker/0123");
    assert_quota(2);
    put_quota("/inner", "70000\n", "100000\n");
    put_first("/docker/0123/inner", "/docker/0123");
    assert_quota(0.7);
    put_first("/docker/01234", "/docker/0123"); // a name that merely begins so
    put_quota("4", "10000\n", "100000\n");      // and a folder that is called so
    assert_quota(0);
    put_first("/docker", "/docker/0123");
    assert_quota(0);
}

static void test_hybrid(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "1:cpu:/job\n0::/unified\n");
    put("/proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / /mnt/with\\040space rw shared:1 master:2 - cgroup2 none rw\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    assert_quota(4);
    put("/mnt/with space/unified/cpu.max", "300000 100000\n");
    assert_quota(3);
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const values[] = {"",         "\n",      "max",      "1",
                                         "x y",      "-5 100",  "100000 0", "100000 -1",
                                         "0 100000", "nan inf", "1e5 1",    "100000 max"};
    put_second("/job");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        put("/sys/fs/cgroup/job/cpu.max", values[i]);
        assert_quota(0);
    }
    put("/sys/fs/cgroup/job/cpu.max", "99999999999999999999999 1\n");
    assert_true(processors_quota(root) >= 1e17); // no limit, whatever it is
    static const char *const lines[] = {"",   "\n",  ":",      "::",          "0",
                                        "0:", "0::", "0::job", "x:cpu:/job\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        put("/proc/self/cgroup", lines[i]);
        assert_quota(0);
    }
    put_second("/job");
    static const char *const mounts[] = {"",
                                         "\n",
                                         "- cgroup2",
                                         "1 2 3 4 5 6 - cgroup2 none",
                                         "1 2 3 / /sys/fs/cgroup rw cgroup2 none rw",
                                         " - - - - - - - - "};
    put("/sys/fs/cgroup/job/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        put("/proc/self/mountinfo", mounts[i]);
        assert_quota(0);
    }
}

static void test_long_paths(void **state)
{
    (void)state;
    static char group[3 * PATH_MAX / 4], line[8 * PATH_MAX];
    memset(group, 'g', sizeof group - 1);
    memcpy(group, "/a/b", 4);
    put_second(group); // as long as can be
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_quota(2); // what can be reached counts
    memset(line, 'o', sizeof line - 1);
    put("/proc/self/mountinfo", line);
    assert_quota(0);
}

static void assert_count(struct processor_limits limits, int count, const char *because)
{
    const struct processors found = processors_within(&limits);
    assert_int_equal(found.count, count);
    assert_string_equal(found.because, because);
}

#define LIMITS(...) ((struct processor_limits){__VA_ARGS__})

static void test_smallest_counts(void **state)
{
    (void)state;
    assert_count(LIMITS(8, 8), 8, "all processors");
    assert_count(LIMITS(8, 0), 8, "all processors"); // no mask could be had
    assert_count(LIMITS(-1, 0), 1, "all processors");
    assert_count(LIMITS(1, 4), 4, "all processors");
    assert_count(LIMITS(8, 3), 3, "affinity");
    assert_count(LIMITS(8, 8, 2), 2, "cgroup quota");
    assert_count(LIMITS(8, 8, 1.01), 2, "cgroup quota");
    assert_count(LIMITS(8, 8, 0.01), 1, "cgroup quota");
    assert_count(LIMITS(8, 8, 8), 8, "all processors");
    assert_count(LIMITS(8, 8, 1e18), 8, "all processors");
    assert_count(LIMITS(8, 3, 2.5), 3, "affinity");
    assert_count(LIMITS(8, 3, 2, NULL, "4"), 2, "cgroup quota");
    assert_count(LIMITS(8, 3, 2, NULL, "1"), 1, "SLURM_CPUS_PER_TASK");
    assert_count(LIMITS(8, 8, 0, NULL, "16"), 8, "all processors");
}

static void test_variables(void **state)
{
    (void)state;
    assert_count(LIMITS(8, 3, 2, "5", "4"), 5, "OMP_NUM_THREADS"); // it is asked for
    assert_count(LIMITS(8, 8, 0, "6,2"), 6, "OMP_NUM_THREADS");
    assert_count(LIMITS(8, 8, 0, " 6 "), 6, "OMP_NUM_THREADS");
    assert_count(LIMITS(8, 8, 0, "99999999999999999999"), 1024, "OMP_NUM_THREADS");
    static const char *const ignored[] = {"", "0", "-1", "two", "4x", ",4", "4.5", "0x4"};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        assert_count(LIMITS(8, 8, 0, ignored[i]), 8, "all processors");
        assert_count(LIMITS(8, 8, 0, NULL, ignored[i]), 8, "all processors");
    }
}

// Whatever limits there are here: all of them together allow at least one.
static void test_here(void **state)
{
    (void)state;
    assert_in_range(processor_count(), 1, 1 << 20);
    setenv("OMP_NUM_THREADS", "7", 1);
    assert_int_equal(processor_count(), 7);
    setenv("OMP_NUM_THREADS", "", 1);
    setenv("SLURM_CPUS_PER_TASK", "1", 1);
    assert_int_equal(processor_count(), 1);
}

int main(void)
{
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_nothing),
        WITH_ROOT(test_second_version),
        WITH_ROOT(test_name_space),
        WITH_ROOT(test_first_version),
        WITH_ROOT(test_mounted_part),
        WITH_ROOT(test_hybrid),
        WITH_ROOT(test_hostile),
        WITH_ROOT(test_long_paths),
        cmocka_unit_test(test_smallest_counts),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
