// SPDX-License-Identifier: MIT
// The parts of vkgrid label.
#pragma once

#include "cli/flatten_run.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/cortex/label_files.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/train/train.h"

struct cJSON;

// What all subjects have in common.
struct labelling {
    struct cell cell; // the network
    struct flat_settings settings;
    struct subject_patterns patterns;
    struct flat_source *sources; // [cell.features.count] of the features, in their order
    struct label_request request;
    struct cJSON *made_with; // all that decides the labels; stands in the record of every subject
    const char *out;         // the folder of the subjects' folders; NULL: their own
    bool overwrite;
};

enum job_state { JOB_WAITING, JOB_THERE, JOB_DONE, JOB_FAILED };

// A subject.
struct job {
    const char *path; // as it was named
    char *name;
    char *folder; // where its files go
    char *record; // a file beside them, which says what they were made with
    struct label_files files;
    enum job_state state;
    bool anew;     // what is there goes first: --overwrite, or the subject has newer files
    char *problem; // one line; of JOB_FAILED; of JOB_DONE: why it has no volume, or NULL
    struct label_extent *extents[HEMISPHERES]; // of JOB_DONE, [label]
    struct flat_notes notes;                   // of JOB_DONE; without labels
    struct value_statistics *statistics;       // of JOB_DONE: of its features, [feature]
};

// Those of the command line. Fails when two would be written to one folder; what is wrong with one
// of them is its own problem.
bool jobs_list(const struct labelling *labelling, const char *const *paths, int count,
               struct job **jobs);
void jobs_free(struct job **jobs, int count); // accepts NULL, writes NULL

// What of the subject's files is there already: all that this labelling would write (JOB_THERE),
// some or none of it (JOB_WAITING: the rest is to be written; where files of the subject are newer
// than its labels, all), or something else (JOB_FAILED).
void job_look(const struct labelling *labelling, struct job *job);
// JOB_FAILED where its files could not be written.
void job_check_target(struct job *job);
// Writes the record; `labels`, which it takes, may be NULL.
bool job_write_record(const struct labelling *labelling, const struct job *job,
                      struct cJSON *labels);
// The record's labels, or NULL. The caller deletes it.
struct cJSON *job_read_labels(const struct job *job);
// {"lh": {<label>: {"vertices": , "area": }, ...}, "rh": ...} of JOB_DONE.
struct cJSON *job_labels(const struct labelling *labelling, const struct job *job);

// Keeps other processes from writing the subject's files of the same tag, and waits while one does.
// The folder of its labels must be there.
struct job_lock {
    char *path;
    int file;
};
bool job_lock(const struct labelling *labelling, const struct job *job, struct job_lock *lock);
void job_unlock(struct job_lock *lock);

// Sets the state to JOB_FAILED and takes the thread's error as the problem.
void job_fail(struct job *job);

// Labels all that wait, so many at once. `told` is called when something has become of a subject,
// from one thread. False only when all subjects fail by one cause: the device, an interrupt.
struct label_run {
    struct engine *engine;
    const struct tensors *weights;
    const struct cortex_template *cortex_template;
    int batch_size, threads;
    void (*told)(void *context, const struct job *job);
    void *context;
};
bool jobs_run(const struct labelling *labelling, const struct label_run *run, struct job *jobs,
              int count);

// What is said while subjects are labelled.
struct telling {
    const struct labelling *labelling;
    int count, done, there, failed;
    int without_volume, empty; // of those that are done; empty: without any label
    const char *first_empty;
    int doubted;                 // whose values lie far outside those of the training data
    struct flatten_result notes; // as flatten tells them
    bool quiet, json, live;
    struct live_lines lines;
    double started, shown;
};

struct telling telling_start(const struct labelling *labelling, int count, bool quiet, bool json);
// What has become of a subject; one that waits is not spoken of. `context`: the telling.
void telling_tell(void *context, const struct job *job);
// The result, of all subjects; NULL: there is none.
void telling_end(struct telling *telling, const struct job *jobs);
// Whether every subject has all that was asked for.
static inline bool telling_good(const struct telling *telling)
{
    return telling->failed == 0 && telling->without_volume == 0;
}
