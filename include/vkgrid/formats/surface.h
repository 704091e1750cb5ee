// SPDX-License-Identifier: MIT
// Cortical surfaces and what belongs to their vertices, in FreeSurfer's formats and in GIFTI.
//
// Every reader treats its file as hostile: sizes are checked against the file before memory is
// taken. A format is told by a file's content, not by its name; any file may be gzip-compressed.
// Sources: FreeSurfer's "File formats" pages and nibabel; GIFTI 1.0 (NITRC).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SURFACE_VERTICES 10000000 // most that a file may have; faces: twice as many

struct surface {
    int vertex_count, face_count;
    float (*points)[3];  // mm; NaN and infinity are refused
    int32_t (*faces)[3]; // indices of vertices, in range
};

// A FreeSurfer triangle file, or a GIFTI file with a pointset and a triangle array.
bool surface_read(const char *path, struct surface *surface);
void surface_free(struct surface *surface); // leaves an empty surface

// A number per vertex: "new curv", .mgh/.mgz with one frame, or a GIFTI file with one array of
// numbers (shape, func). NaN stays NaN.
struct vertex_values {
    int count;
    float *values;
};
bool vertex_values_read(const char *path, struct vertex_values *values);
void vertex_values_free(struct vertex_values *values);

// A label per vertex and the names of labels: .annot, .label, GIFTI label files; also integers of
// .mgh/.mgz ("varea", no names) and of GIFTI. 0 (or, of .annot, no entry) is no label.
struct label_entry {
    int key;           // the value of vertices: of .annot the entry's number in the table
    char name[64];
    uint8_t color[4];  // red, green, blue, alpha (255 is opaque)
};
struct vertex_labels {
    int count;
    int32_t *keys; // a .label file: 1 for the vertices that it lists; others are not known: count is 1 + the largest
    struct label_entry *entries;
    int entry_count;
};
bool vertex_labels_read(const char *path, struct vertex_labels *labels);
void vertex_labels_free(struct vertex_labels *labels);

// Written atomically. .mgz: frames of width 1 x 1 x count float32, or int32.
bool mgz_write_values(const char *path, int count, int frames, const float *values);
bool mgz_write_labels(const char *path, int count, const int32_t *labels);
bool annot_write(const char *path, const struct vertex_labels *labels);
bool gifti_write_labels(const char *path, const struct vertex_labels *labels, bool left);
bool gifti_write_values(const char *path, int count, const float *values, bool left);
