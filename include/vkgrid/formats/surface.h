// SPDX-License-Identifier: MIT
// Cortical surfaces and what belongs to their vertices, in FreeSurfer's formats and in GIFTI.
//
// Every reader treats its file as hostile: sizes are checked against the file before memory is
// taken, and a message begins with the file's path. A format is told by a file's content, not by
// its name; any file may be gzip-compressed. Every file is written atomically.
// Sources: FreeSurfer's pages on its file formats, and nibabel, which tests compare with; GIFTI 1.0
// (NITRC).
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

// A FreeSurfer triangle file, or a GIFTI file with one pointset and one array of triangles. Of
// GIFTI the coordinates are taken as they are stored: no CoordinateSystemTransformMatrix is
// applied.
bool surface_read(const char *path, struct surface *surface);
void surface_free(struct surface *surface); // leaves an empty surface

// A number per vertex: "new curv", .mgh/.mgz with one frame, or a GIFTI file with one array of
// numbers (shape, func). NaN and infinity stay.
struct vertex_values {
    int count;
    float *values;
};
bool vertex_values_read(const char *path, struct vertex_values *values);
void vertex_values_free(struct vertex_values *values);

// A label per vertex and the names of labels: .annot, .label, GIFTI label files; also whole numbers
// of .mgh/.mgz ("varea", no names), of curv and of GIFTI; others are refused.
//
// A vertex without a label has the key 0, but of .annot, whose entry 0 may be a label like any
// other, -1: its value is 0 or stands for no entry of the table.
struct label_entry {
    int key;          // what vertices hold; of .annot the entry's number in the table
    char name[128];   // UTF-8 or ASCII without control characters
    uint8_t color[4]; // red, green, blue, alpha (255 is opaque)
};
struct vertex_labels {
    int count;     // of a .label file, which does not say: 1 + the largest vertex that it lists
    int32_t *keys; // of a .label file: 1 for the vertices that it lists
    struct label_entry *entries; // keys differ; NULL where the file has no names
    int entry_count;
};
bool vertex_labels_read(const char *path, struct vertex_labels *labels);
void vertex_labels_free(struct vertex_labels *labels);

// .mgz (.mgh when the path ends so) of count x 1 x 1 x frames, float32 or int32.
// values[frame * count + vertex].
bool mgz_write_values(const char *path, int count, int frames, const float *values);
bool mgz_write_labels(const char *path, int count, const int32_t *labels);

// .annot with a table of version 2. A vertex gets the colour of the entry with its key. Where no
// entry is 0, "unknown" (25 5 25, as FreeSurfer has it) is added, and vertices without an entry are
// its: readers number the entries. Else they get the value 0, which is no label. Colours (without
// alpha) tell entries apart, so two of one colour and a black one but 0 are refused, as are keys
// below 0 and above 9999.
bool annot_write(const char *path, const struct vertex_labels *labels);

// GIFTI (.label.gii, .shape.gii; the path may end in .gz) with one array of int32 or float32, as
// GZipBase64Binary, of CortexLeft or CortexRight. A label table gets an entry 0 "???" (transparent)
// where there is none; keys below 0 are written as 0.
bool gifti_write_labels(const char *path, const struct vertex_labels *labels, bool left);
