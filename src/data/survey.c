// SPDX-License-Identifier: MIT
#include "vkgrid/data/survey.h"

#include "data/folder.h"
#include "data/label_values.h"
#include "data/pattern.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LABEL_SEEN <= SURVEY_CLASSES_MOST, "values fit");
#define LOOKED_AT 16 // files of a feature that are read, for their sizes

// What has been seen of one folder's files.
struct looking {
    struct survey_folder *folder;
    struct label_values values, *files; // of all, of each
    int file;                           // which is looked at
    bool feature;                       // for certain
    float range;                        // of the first file
    int fewest;                         // channels that a file has; 0: none has been read
    struct sample_size sizes[LOOKED_AT];
    int counts[LOOKED_AT], size_count;
};

static void note_size(struct looking *looking, const struct image *image)
{
    int i = 0;
    while (i < looking->size_count &&
           (looking->sizes[i].rows != image->rows || looking->sizes[i].cols != image->cols))
        i++;
    if (i == LOOKED_AT)
        return;
    if (i == looking->size_count)
        looking->sizes[looking->size_count++] = (struct sample_size){image->rows, image->cols};
    looking->counts[i]++;
}

// The channels by their numbers: those of a picture without its alpha channel.
static int count_channels(const struct image *image)
{
    return image->kind == IMAGE_PALETTE ? 3 : image->channels - image->alpha;
}

static bool few_whole_numbers(const struct label_values *values)
{
    for (int i = 0; i < values->count; i++) {
        const float value = values->seen[i];
        if (value < 0 || value > SOURCE_CLASSES || value != rintf(value))
            return false;
    }
    return !values->many;
}

// Adds those of one file to those of all.
static void merge_values(struct label_values *all, const struct label_values *file)
{
    all->many |= file->many;
    for (int i = 0; i < file->count; i++)
        label_values_note(all, file->seen[i]);
}

// Of a file that has one channel, as a label sees it.
static bool note_labels(struct looking *looking, const char *path, const struct image *image)
{
    const struct source class = {.folder = looking->folder->source, .channel = -1, .class = 0};
    struct image plane;
    if (!image_channel(image, class.folder, -1, true, &plane)) {
        looking->feature = true;
        return true;
    }
    if (looking->range == 0)
        looking->range = image->range;
    const bool taken = label_values_take(&looking->files[looking->file], path, &class, &plane);
    merge_values(&looking->values, &looking->files[looking->file]);
    looking->feature = !few_whole_numbers(&looking->values);
    image_free(&plane);
    return taken;
}

static void note_channels(struct looking *looking, const struct image *image)
{
    struct survey_folder *folder = looking->folder;
    struct image plane;
    const int channels = count_channels(image);
    if (looking->fewest == 0 || channels < looking->fewest)
        looking->fewest = channels;
    if (image_channel(image, folder->source, -1, false, &plane)) {
        image_free(&plane);
        return;
    }
    if (channels > folder->channels)
        folder->channels = channels;
}

// NaN takes no part.
static void note_range(struct survey_folder *folder, const struct image *image, bool first)
{
    const size_t count = (size_t)image->rows * (size_t)image->cols * (size_t)image->channels;
    const struct value_statistics found = statistics_of(image->values, count);
    const bool palette = image->kind == IMAGE_PALETTE; // of indices: the colours lie within 0 to 1
    const float range = image->kind == IMAGE_PICTURE ? image->range : 1;
    const float low = palette ? 0 : (float)found.low / range,
                high = palette ? 1 : (float)found.high / range;
    folder->low = first || low < folder->low ? low : folder->low;
    folder->high = first || high > folder->high ? high : folder->high;
}

static bool look_at(struct looking *looking, const char *path)
{
    struct survey_folder *folder = looking->folder;
    struct image image;
    if (!image_read(path, &image))
        return false;
    note_range(folder, &image, looking->size_count == 0);
    note_size(looking, &image);
    folder->sizes[looking->file] = (struct sample_size){image.rows, image.cols};
    folder->lossy |= image.lossy;
    folder->palette |= image.kind == IMAGE_PALETTE;
    note_channels(looking, &image);
    const bool noted = looking->feature || note_labels(looking, path, &image);
    image_free(&image);
    return noted;
}

// Which of the folder's values each file has.
static void note_present(const struct looking *looking)
{
    struct survey_folder *folder = looking->folder;
    folder->present = mem_zalloc((size_t)folder->count, sizeof(folder->present[0]));
    for (int i = 0; i < folder->count; i++)
        for (int k = 0; k < looking->files[i].count; k++)
            for (int value = 0; value < folder->value_count; value++)
                if ((int)looking->files[i].seen[k] == folder->values[value])
                    folder->present[i] |= (uint16_t)(1U << value);
}

static void decide(struct looking *looking)
{
    struct survey_folder *folder = looking->folder;
    const struct label_values *values = &looking->values;
    int most = 0;
    for (int i = 1; i < looking->size_count; i++)
        most = looking->counts[i] > looking->counts[most] ? i : most;
    folder->size = looking->sizes[most];
    folder->several = looking->size_count > 1;
    if (looking->feature)
        return;
    for (int i = 0; i < values->count; i++)
        folder->values[folder->value_count++] = (int)values->seen[i];
    note_present(looking);
    folder->kind = values->count < 2 ? SURVEY_CONSTANT : SURVEY_CLASSES;
    if (values->count == 2 && values->seen[0] == 0 && !folder->palette &&
        (values->seen[1] == 1 || values->seen[1] == looking->range))
        folder->kind = SURVEY_MASKS;
}

// What the first "{}" of several stands for is the beginning of the files' paths and of the
// samples' names.
static bool find_leads(const struct folder_files *files, struct survey_folder *folder)
{
    const char *first = strstr(folder->source, PATTERN_MARK), *part = first;
    if (!first || !strstr(first + strlen(PATTERN_MARK), PATTERN_MARK))
        return true;
    while (part > folder->source && part[-1] != '/')
        part--;
    const int around = (int)(strcspn(part, "/") - strlen(PATTERN_MARK));
    folder->leads = mem_zalloc((size_t)folder->count, sizeof(folder->leads[0]));
    for (int i = 0; i < folder->count; i++) {
        int file;
        if (!folder_find(files, folder->samples[i], &file))
            return false;
        if (file >= 0)
            folder->leads[i] = (int)strcspn(files->files[file].name, "/") - around;
    }
    return true;
}

static bool look(const char *data, struct survey_folder *folder)
{
    struct looking looking = {
        .folder = folder,
        .files = mem_zalloc((size_t)folder->count, sizeof(looking.files[0])),
    };
    struct folder_files files;
    CHECK(folder_open(data, folder->source, &files));
    folder->sizes = mem_zalloc((size_t)folder->count, sizeof(folder->sizes[0]));
    CHECK(find_leads(&files, folder));
    for (int i = 0; i < folder->count && (!looking.feature || i < LOOKED_AT); i++) {
        int file;
        CHECK(folder_find(&files, folder->samples[i], &file));
        if (file < 0) // one that was listed, under a name that the source does not lead back to
            FAIL("%s: no file for the sample %s", files.path, folder->samples[i]);
        char *path = folder_path(&files, file);
        looking.file = i;
        const bool looked = look_at(&looking, path);
        free(path);
        CHECK(looked);
    }
    if (folder->channels > looking.fewest)
        FAIL("%s: has files of %d channels and others of %d: one number for all is wanted",
             files.path, looking.fewest, folder->channels);
    decide(&looking);
    free(looking.files);
    folder_close(&files);
    return true;
error:
    free(looking.files);
    folder_close(&files);
    return false;
}

// A name that no other has.
static char *own_name(const struct survey *survey, const char *name)
{
    char *own = text_copy(name);
    for (int i = 2; survey_find(survey, own); i++) {
        free(own);
        own = text_format("%s_%d", name, i);
    }
    return own;
}

static bool list_folders(const char *data, struct survey *survey)
{
    const struct layout *layout = &survey->layout;
    const char **files = mem_zalloc((size_t)layout->count, sizeof(files[0]));
    bool good = true;
    survey->folders = mem_zalloc((size_t)layout->count, sizeof(survey->folders[0]));
    for (int i = 0; i < layout->count; i++)
        files[i] = layout->sources[i].files;
    for (int i = 0; good && i < layout->count; i++) {
        const struct layout_source *source = &layout->sources[i];
        struct survey_folder folder = {.called_label = source->label,
                                       .called_image = source->image};
        good = dataset_list_own(data, files, layout->count, i, &folder.samples, &folder.count);
        if (!good || folder.count == 0) {
            free(folder.samples);
            continue;
        }
        folder.name = own_name(survey, source->name);
        folder.source = text_copy(source->files);
        survey->folders[survey->count++] = folder;
    }
    free(files);
    return good;
}

bool survey_may_be_label(const struct survey_folder *folder)
{
    return folder->called_label ||
           ((folder->kind == SURVEY_MASKS || folder->kind == SURVEY_CLASSES) && !folder->lossy &&
            !folder->called_image);
}

static bool has_label(const struct survey *survey)
{
    for (int i = 0; i < survey->count; i++)
        if (survey_may_be_label(&survey->folders[i]))
            return true;
    return false;
}

// Takes the layout over.
static bool survey_as(const char *data, struct layout *layout, struct survey *survey)
{
    *survey = (struct survey){.layout = *layout};
    *layout = (struct layout){.ignored = -1};
    bool good = list_folders(data, survey);
    for (int i = 0; good && i < survey->count; i++)
        good = look(data, &survey->folders[i]);
    if (!good)
        survey_close(survey);
    return good;
}

bool survey_open(const char *data, struct survey *survey)
{
    struct layout layouts[LAYOUTS_MOST];
    int count;
    bool good, found = false;
    *survey = (struct survey){.layout.ignored = -1};
    if (!layouts_find(data, layouts, &count))
        return false;
    good = survey_as(data, &layouts[0], survey);
    found = !good || count == 1 || has_label(survey);
    for (int i = 1; !found && i < count; i++) {
        struct survey other;
        found = survey_as(data, &layouts[i], &other) && has_label(&other);
        if (found) {
            survey_close(survey);
            *survey = other;
        } else {
            survey_close(&other);
        }
    }
    for (int i = 0; i < count; i++)
        layout_free(&layouts[i]);
    return good;
}

void survey_close(struct survey *survey)
{
    for (int i = 0; i < survey->count; i++) {
        struct survey_folder *folder = &survey->folders[i];
        for (int k = 0; k < folder->count; k++)
            free(folder->samples[k]);
        free(folder->samples);
        free(folder->present);
        free(folder->sizes);
        free(folder->leads);
        free(folder->name);
        free(folder->source);
    }
    free(survey->folders);
    layout_free(&survey->layout);
    *survey = (struct survey){.layout.ignored = -1};
}

struct survey_folder *survey_find(const struct survey *survey, const char *name)
{
    for (int i = 0; i < survey->count; i++)
        if (strcmp(survey->folders[i].name, name) == 0)
            return &survey->folders[i];
    return NULL;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int survey_sample(const struct survey_folder *folder, const char *sample)
{
    char **found = bsearch(&sample, folder->samples, (size_t)folder->count,
                           sizeof(folder->samples[0]), compare);
    return found ? (int)(found - folder->samples) : -1;
}

const char *survey_nearest(const struct survey_folder *folder, const char *sample)
{
    struct folder_files files = {.count = folder->count};
    files.files = mem_zalloc((size_t)folder->count, sizeof(files.files[0]));
    for (int i = 0; i < folder->count; i++)
        files.files[i] = (struct folder_file){folder->samples[i], folder->samples[i]};
    const char *nearest = folder_nearest(&files, sample);
    free(files.files);
    return nearest;
}
