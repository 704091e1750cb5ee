// SPDX-License-Identifier: MIT
// How many threads this process should compute with.
#pragma once

struct processors {
    int count;           // at least 1
    const char *because; // what says so: "all processors", "affinity", "cgroup quota", the name of
                         // a variable of the environment
};

// OMP_NUM_THREADS where it is set. Else as many as the affinity mask of this process, the quota of
// its control groups (rounded up) and SLURM_CPUS_PER_TASK allow.
struct processors processors_find(void);

int processor_count(void); // the number alone

// What it follows from.
struct processor_limits {
    int online, allowed;                         // of the machine; by the affinity mask
    double quota;                                // in processors; 0: none
    const char *omp_num_threads, *cpus_per_task; // values of the variables; NULL: not set
};
struct processors processors_within(const struct processor_limits *limits);

// The smallest quota of this process's control groups, in processors; 0: there is none. root: see
// cgroup.h.
double processors_quota(const char *root);
