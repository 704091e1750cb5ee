// SPDX-License-Identifier: MIT
// Control groups of Linux, versions 1 and 2, which limit what a process may have.
#pragma once

// A folder with a group's files, e.g. "/sys/fs/cgroup/job".
typedef void cgroup_visitor(const char *folder, void *context);

// Visits the group of this process that the controller ("cpu", "memory") acts by, and the groups
// above it as far up as they are mounted here, of either version. Each may have limits; the
// smallest counts. root: stands before every path; "" but in tests. What is not there or makes no
// sense is left out.
void cgroup_visit(const char *root, const char *controller, cgroup_visitor *visit, void *context);
