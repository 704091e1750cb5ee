// SPDX-License-Identifier: MIT
// What was measured on a device: the fastest tiles of convolutions, and the time of training steps
// by slots. Kept in one file for each device, driver and set of kernels. All of it is about speed:
// no entry, right or wrong, changes a bit of a result.
#pragma once

#include "engine/vulkan/tiles.h"

#define TUNING_TILES 4096  // entries of a file; beyond them the oldest go
#define TUNING_CURVES 1024 // the same

struct tuned_tile {
    struct conv_problem problem;
    struct conv_tile tile;
    bool measured; // by this process, so it is to be written
};

struct tuned_curve {
    char *key;
    struct slot_times curve;
    bool measured;
};

struct tuning {
    char *path;        // of the file; NULL: none is read or written
    uint64_t identity; // of device, driver and kernels
    struct tuned_tile *tiles;
    int tile_count;
    struct tuned_curve *curves;
    int curve_count;
};

// --- tuning.c: the entries ----------------------------------------------------------------------

// Add an entry, or replace the one of the same problem or key.
void tuning_put_tile(struct tuning *tuning, const struct tuned_tile *tile);
void tuning_put_curve(struct tuning *tuning, const char *key, const struct slot_times *curve,
                      bool measured);
// The tile of a problem: that of the nearest number of slots, by ratio, is as good as any guess.
// NULL when nothing was measured.
const struct conv_tile *tuning_find_tile(const struct tuning *tuning,
                                         const struct conv_problem *problem);
// Whether two problems are one, slots included.
bool tuning_same(const struct conv_problem *a, const struct conv_problem *b);
// The entry of this very problem, slots included, or NULL.
const struct tuned_tile *tuning_entry(const struct tuning *tuning,
                                      const struct conv_problem *problem);
const struct slot_times *tuning_find_curve(const struct tuning *tuning, const char *key);
// Puts what this process has measured over the entries of `to`.
void tuning_merge(const struct tuning *from, struct tuning *to);
void tuning_free(struct tuning *tuning);

// The numbers of a problem beside its op and its slots, by their names in the file and with what is
// allowed there: far beyond any network's, and nothing that overflows in conv_groups().
struct tuning_field {
    const char *name;
    size_t offset, size; // of a uint32_t or a bool
    double least, most;
};
#define TUNING_FIELDS 9
extern const struct tuning_field tuning_fields[TUNING_FIELDS];
uint32_t tuning_get(const struct tuning_field *field, const void *from);
void tuning_set(const struct tuning_field *field, uint32_t value, void *to);

// Names of families.
extern const char *const tuning_families[CONV_FAMILIES];

// --- tuning_file.c: the file --------------------------------------------------------------------

// Says where the file of a device is, as VKGRID_TUNING has it, and what device it must be of.
// Leaves the entries empty.
void tuning_locate(VkPhysicalDevice device, struct tuning *tuning);
// Reads the file; one that is not there has no entries. On failure there are none either.
bool tuning_read(struct tuning *tuning);
// Whether every tile may be used for its problem on this device.
bool tuning_check(const struct vulkan_engine *engine, const struct tuning *tuning);
// Whether the file can be written, before anything is measured for it.
bool tuning_writable(const struct vulkan_engine *engine, const struct tuning *tuning);
// Adds what this process has measured to what the file holds now.
bool tuning_write(const struct vulkan_engine *engine, const struct tuning *tuning);

// As tuning_locate, tuning_read and tuning_check; a file that cannot be used is warned of, once.
void tuning_open(struct vulkan_engine *engine);
