// SPDX-License-Identifier: MIT
// Which vkgrid this is.
#pragma once

const char *vkgrid_version(void); // of the project: "0.1.0"

// The same with what git says of the commit that it was built from, where it was built in a clone:
// "0.1.0 (v0.1.0-12-gabc123)".
const char *vkgrid_build(void);

// Of results: raised with every change that gives other bits for the same cell, be it of the
// program, a kernel or an option of the compiler. A study goes on with the same number only
// (study/identity.h). 1: until the setting `matrix`; 2: softplus by a series.
#define NUMERICS_VERSION 2
