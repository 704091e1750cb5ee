// SPDX-License-Identifier: MIT
// The image size of a proposal.
#include "grid/proposal_parts.h"

#include "vkgrid/base/error.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_STEP 32      // a U-Net halves images five times
#define SIZE_MOST 256     // longest side that is proposed
#define SIZE_LARGEST 1024 // that is proposed for a label that would vanish
#define SIZES_MOST 6
#define SIZE_LEAST 64 // 32x32 leaves batch norm one value for each channel of a single sample

static int round_side(double side)
{
    const int steps = (int)lrint(side / SIZE_STEP);
    return (steps < 1 ? 1 : steps) * SIZE_STEP;
}

// That of most of the folders' files.
static struct sample_size find_size(const struct proposal *proposal, bool *several)
{
    struct sample_size size = {0};
    int most = 0;
    *several = false;
    for (int i = 0; i < proposal->survey->count; i++) {
        const struct survey_folder *folder = &proposal->survey->folders[i];
        *several |= proposal->used[i] && folder->several;
        if (proposal->used[i] && folder->count > most) {
            most = folder->count;
            size = folder->size;
        }
    }
    return size;
}

static void tell_size(struct proposal *proposal, struct sample_size size, bool several)
{
    text_add(&proposal->told, "size: images of %dx%d%s", size.rows, size.cols,
             several ? " and other sizes" : "");
    if (proposal->rows != size.rows || proposal->cols != size.cols || several) {
        const double aspect =
            (double)size.rows * proposal->cols / ((double)size.cols * (double)proposal->rows);
        const int percent = (int)lrint(100 * fabs(aspect - 1));
        text_add(&proposal->told, " become %dx%d", proposal->rows, proposal->cols);
        if (percent > 0)
            text_add(&proposal->told, ", stretched by %d%%", percent);
    }
    text_add(&proposal->told, "\n");
}

// A label that has no pixel of 0.5 left in any training sample of the proposed size, and the first
// of the larger sizes at which it has.
struct lost {
    char *name;
    int size; // which; -1: none
};

struct losing {
    struct proposal *proposal;
    char **training;
    int training_count;
    struct sample_size sizes[SIZES_MOST]; // the proposed one first
    int size_count;
    struct lost *lost;
    int count;
};

// The proposed size, and its doubles up to the files' own.
static void list_sizes(struct losing *losing, struct sample_size own)
{
    const struct proposal *proposal = losing->proposal;
    struct sample_size size = {proposal->rows, proposal->cols};
    while (losing->size_count < SIZES_MOST) {
        losing->sizes[losing->size_count++] = size;
        if (proposal->request->rows > 0 || size.rows >= own.rows || size.cols >= own.cols ||
            2 * size.rows > SIZE_LARGEST || 2 * size.cols > SIZE_LARGEST)
            break;
        size = (struct sample_size){2 * size.rows, 2 * size.cols};
    }
}

static bool find_lost(struct losing *losing, const cJSON *target)
{
    bool reaches = false;
    int size = 0;
    for (; size < losing->size_count && !reaches; size++)
        if (!survey_reaches(losing->proposal->request->data, target->valuestring, losing->training,
                            losing->training_count, losing->sizes[size].rows,
                            losing->sizes[size].cols, &reaches))
            return strchr(target->valuestring, '=')
                       ? false
                       : error_prefix("classes of a map are named by --classes NAME=NUMBER,...");
    if (reaches && size == 1)
        return true;
    losing->lost = mem_grow(losing->lost, (size_t)losing->count + 1, sizeof(losing->lost[0]));
    losing->lost[losing->count++] =
        (struct lost){text_copy(target->string), reaches ? size - 1 : -1};
    return true;
}

static void tell_lost(struct losing *losing, int chosen)
{
    struct proposal *proposal = losing->proposal;
    const struct sample_size first = losing->sizes[0], size = losing->sizes[chosen];
    for (int i = 0; i < losing->count; i++) {
        const struct lost *lost = &losing->lost[i];
        if (lost->size >= 0) {
            text_add(&proposal->told,
                     "%s: would be in no training sample at %dx%d: images become %dx%d\n",
                     lost->name, first.rows, first.cols, size.rows, size.cols);
        } else {
            text_add(&proposal->told, "%s: is in no training sample%s: left out\n", lost->name,
                     losing->size_count > 1 ? " at any size that is proposed"
                                            : " at the size of the network");
            cJSON_DeleteItemFromObjectCaseSensitive(proposal->targets, lost->name);
        }
    }
}

// The search refuses a label that is in no training sample.
static bool keep_labels(struct proposal *proposal, struct sample_size own)
{
    struct losing losing = {.proposal = proposal};
    const cJSON *target;
    bool good = true;
    int chosen = 0;
    losing.training = split_training(&proposal->split, &losing.training_count);
    list_sizes(&losing, own);
    cJSON_ArrayForEach(target, proposal->targets)
    {
        good = good && find_lost(&losing, target);
    }
    for (int i = 0; i < losing.count; i++)
        chosen = losing.lost[i].size > chosen ? losing.lost[i].size : chosen;
    if (good) {
        tell_lost(&losing, chosen);
        proposal->rows = losing.sizes[chosen].rows;
        proposal->cols = losing.sizes[chosen].cols;
    }
    for (int i = 0; i < losing.count; i++)
        free(losing.lost[i].name);
    for (int i = 0; i < losing.training_count; i++)
        free(losing.training[i]);
    free(losing.lost);
    free(losing.training);
    return good && (cJSON_GetArraySize(proposal->targets) > 0 ||
                    error_set("%s: none of its labels is in a training sample at %dx%d",
                              proposal->request->data, proposal->rows, proposal->cols));
}

// A search refuses a sample whose files differ, of those that were looked at.
static bool check_sample(const struct proposal *proposal, const struct survey_folder *folder,
                         const struct survey_folder *other, int sample)
{
    const int at = survey_sample(other, folder->samples[sample]);
    const struct sample_size size = folder->sizes[sample],
                             its = at < 0 ? (struct sample_size){0} : other->sizes[at];
    return size.rows == 0 || its.rows == 0 || (size.rows == its.rows && size.cols == its.cols) ||
           error_set(
               "%s: sample %s: %dx%d in %s, but %dx%d in %s: all files of a sample are of one size",
               proposal->request->data, folder->samples[sample], size.rows, size.cols,
               folder->source, its.rows, its.cols, other->source);
}

static bool check_samples(const struct proposal *proposal)
{
    const struct survey *survey = proposal->survey;
    bool good = true;
    for (int i = 0; i < survey->count; i++)
        for (int k = i + 1; proposal->used[i] && k < survey->count; k++)
            for (int s = 0; good && proposal->used[k] && s < survey->folders[i].count; s++)
                good = check_sample(proposal, &survey->folders[i], &survey->folders[k], s);
    return good;
}

bool proposal_choose_size(struct proposal *proposal)
{
    const struct proposal_request *request = proposal->request;
    bool several;
    const struct sample_size size = find_size(proposal, &several);
    const int longest = size.rows > size.cols ? size.rows : size.cols;
    double scale = longest > SIZE_MOST ? (double)SIZE_MOST / longest : 1;
    scale = longest < SIZE_LEAST ? (double)SIZE_LEAST / longest : scale;
    proposal->rows = request->rows > 0 ? request->rows : round_side(size.rows * scale);
    proposal->cols = request->rows > 0 ? request->cols : round_side(size.cols * scale);
    if (proposal->rows % SIZE_STEP != 0 || proposal->cols % SIZE_STEP != 0)
        return error_set("--size %dx%d: multiples of %d are allowed", request->rows, request->cols,
                         SIZE_STEP);
    if (!check_samples(proposal) || !keep_labels(proposal, size))
        return false;
    tell_size(proposal, size, several);
    return true;
}
