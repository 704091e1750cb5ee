// SPDX-License-Identifier: MIT
// Weights between safetensors and PyTorch.
#include "cli/commands.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/model/weights.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct conversion {
    const char *input, *output;
    bool torch; // the output is for PyTorch
    // Texts of the metadata, or NULL: how the images were flattened, of their features, and which
    // fold it is.
    char *flatten, *statistics, *fold;
    char *beside;   // where the description of a file for PyTorch goes
    cJSON *options; // description of the network, or NULL
    struct tensors weights;
};

// The name without that end, or NULL. The caller frees it.
static char *stem_of(const char *path, const char *end)
{
    const size_t length = strlen(path), size = strlen(end);
    return length > size && strcmp(path + length - size, end) == 0
               ? text_format("%.*s", (int)(length - size), path)
               : NULL;
}

static bool same_file(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

// By the output's name.
static bool choose_format(struct conversion *conversion)
{
    static const char *const ends[] = {".pt", ".pth", ".safetensors"};
    char *stem = NULL;
    int i = 0;
    while (i < 3 && !(stem = stem_of(conversion->output, ends[i])))
        i++;
    conversion->torch = i < 2;
    conversion->beside = stem ? text_format("%s.options.json", stem) : NULL;
    free(stem);
    return conversion->beside || error_set(
                                     "%s: a name that ends with .safetensors, .pt or .pth is "
                                     "needed: it says the format",
                                     conversion->output);
}

static bool check_free(const struct conversion *conversion, const char *path, bool overwrite)
{
    if (same_file(path, conversion->input))
        return error_set("%s: is the input: another name is needed", path);
    return overwrite || !file_exists(path) ||
           error_set("%s: is there already: another name or --overwrite is needed", path);
}

// Reads the weights for the network that the options describe, which become a description.
static bool read_for(struct conversion *conversion, const char *where, char **note)
{
    struct cell cell;
    if (!cell_for_network(conversion->options, where, &cell))
        return false;
    cJSON *statistics = cJSON_DetachItemFromObjectCaseSensitive(conversion->options, "statistics");
    cJSON_Delete(conversion->options);
    conversion->options = weights_description(&cell);
    if (statistics)
        cJSON_AddItemToObject(conversion->options, "statistics", statistics);
    const bool read = weights_load_unet(conversion->input, cell.base_model, cell.features.count,
                                        cell.labels.count, &conversion->weights, note);
    cell_free(&cell);
    return read;
}

// What the options of a file that write_torch() made have with them goes to the metadata.
static void take_note(struct conversion *conversion, const char *key, char **note)
{
    cJSON *json = cJSON_DetachItemFromObjectCaseSensitive(conversion->options, key);
    if (json && !*note)
        *note = json_print_line(json);
    cJSON_Delete(json);
}

// And back.
static void give_note(const struct conversion *conversion, const char *key, const char *note)
{
    cJSON *json = NULL;
    if (note && json_parse(note, strlen(note), conversion->input, &json))
        cJSON_AddItemToObject(conversion->options, key, json);
}

static bool read_input(struct conversion *conversion, const char *options)
{
    char *note = NULL;
    if (safetensors_is(conversion->input) &&
        !(safetensors_metadata(conversion->input, "flatten", &conversion->flatten) &&
          safetensors_metadata(conversion->input, "fold", &conversion->fold)))
        return false;
    if (options ? !json_read(options, &conversion->options)
                : !weights_describe(conversion->input, &conversion->options))
        return false;
    take_note(conversion, "flatten", &conversion->flatten);
    take_note(conversion, "fold", &conversion->fold);
    if (!weights_add_statistics(conversion->input, conversion->options))
        return false;
    if (options ? !read_for(conversion, options, &note)
                : !weights_read_any(conversion->input, &conversion->weights, &note))
        return false;
    weights_tell(conversion->input, note);
    take_note(conversion, "statistics", &conversion->statistics);
    return true;
}

static bool write_torch(const struct conversion *conversion)
{
    if (!torch_write(conversion->output, &conversion->weights))
        return false;
    if (!conversion->options)
        return true;
    give_note(conversion, "flatten", conversion->flatten);
    give_note(conversion, "fold", conversion->fold);
    give_note(conversion, "statistics", conversion->statistics);
    if (!json_write(conversion->beside, conversion->options))
        return false;
    fprintf(stderr,
            "%s: holds tensors only: what is known of the network is in %s (--options of convert "
            "and apply)\n",
            conversion->output, conversion->beside);
    return true;
}

static bool write_safetensors(const struct conversion *conversion)
{
    char *options = conversion->options ? json_print_line(conversion->options) : NULL;
    const struct weights_notes notes = {options, conversion->statistics, conversion->flatten,
                                        conversion->fold};
    const bool written = weights_write_noting(conversion->output, &conversion->weights, &notes);
    if (written && !options)
        fprintf(stderr, "%s: does not say what its network is: --options FILE puts that in\n",
                conversion->output);
    free(options);
    return written;
}

int command_convert(int argc, char **argv)
{
    struct options options;
    struct conversion conversion = {0};
    int status;
    if (!options_parse(COMMAND_CONVERT, argc, argv, &options, &status))
        return status;
    const bool overwrite = option_set(&options, OPTION_OVERWRITE);
    conversion.input = options.arguments[0];
    conversion.output = options.arguments[1];
    const bool done =
        choose_format(&conversion) && check_free(&conversion, conversion.output, overwrite) &&
        read_input(&conversion, options.values[OPTION_OPTIONS]) &&
        (!conversion.torch || !conversion.options ||
         check_free(&conversion, conversion.beside, overwrite)) &&
        (conversion.torch ? write_torch(&conversion) : write_safetensors(&conversion));
    if (done)
        printf("%s: %d tensors written\n", conversion.output, conversion.weights.count);
    tensors_free(&conversion.weights);
    cJSON_Delete(conversion.options);
    free(conversion.flatten);
    free(conversion.fold);
    free(conversion.statistics);
    free(conversion.beside);
    return done ? 0 : command_failed();
}
