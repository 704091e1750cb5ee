// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/renamed_inputs.h"
#include "vkgrid/model/weights.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool put_size(cJSON *options, int rows, int cols)
{
    if (rows % 32 != 0 || cols % 32 != 0)
        return error_set(
            "--network-size %dx%d: multiples of 32 are allowed; --size is that of the "
            "predictions",
            rows, cols);
    put_option(options, "image_size", cJSON_CreateIntArray((const int[]){rows, cols}, 2));
    return true;
}

// The options of the file that --options names, of the weights file itself, or of the one that
// convert has written beside it. *where: the file that said them; the caller frees it.
static bool read_description(const struct options *options, const char *weights, cJSON **json,
                             char **where)
{
    const char *file = options->values[OPTION_OPTIONS];
    char *beside = NULL;
    *where = text_copy(file ? file : weights);
    if (!weights_file_check(weights))
        return false;
    if (file ? !json_read(file, json) : !weights_describe(weights, json))
        return false;
    if (*json || !(beside = weights_options_beside(weights)))
        return true;
    fprintf(stderr, "%s: what network it is says %s\n", weights, beside);
    free(*where);
    *where = beside;
    return json_read(beside, json);
}

// --inputs: other folders for the features, in the order of training.
static bool put_inputs(cJSON *options, const char *text, const char *where)
{
    cJSON *trained = text ? options_input_names(options) : NULL;
    put_set(options, "inputs", text);
    const bool put = !text || options_inputs_renamed(options, trained, where);
    cJSON_Delete(trained);
    return put;
}

static bool complete(const struct options *options, cJSON **json, const char *where)
{
    cJSON_DeleteItemFromObjectCaseSensitive(*json, "flatten"); // convert puts it there
    if (!*json)
        *json = cJSON_CreateObject();
    if (!json_expect_object(*json, where))
        return false;
    if (!put_inputs(*json, options->values[OPTION_INPUTS], where))
        return false;
    put_set(*json, "prediction", options->values[OPTION_PREDICTION]);
    if (option_set(options, OPTION_BASE_MODEL))
        put_option(*json, "base_model", cJSON_CreateString(options->values[OPTION_BASE_MODEL]));
    if (options->network_rows && !put_size(*json, options->network_rows, options->network_cols))
        return false;
    static const char *const needed[] = {"base_model", "inputs", "prediction", "image_size"};
    static const char *const by[] = {"--base-model", "--inputs", "--prediction", "--network-size"};
    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
        if (!json_member(*json, needed[i]))
            return error_set("%s: does not say its %s: %s or --options is needed", where, needed[i],
                             by[i]);
    }
    // Whatever the weights were trained with: every device predicts in fp32.
    put_option(*json, "precision",
               cJSON_CreateString(option_set(options, OPTION_PRECISION)
                                      ? options->values[OPTION_PRECISION]
                                      : "auto"));
    return true;
}

bool apply_read_cell(const struct options *options, const char *weights, struct cell *cell)
{
    cJSON *json = NULL;
    char *where = NULL;
    const bool read = read_description(options, weights, &json, &where) &&
                      weights_add_statistics(weights, json) && complete(options, &json, where) &&
                      cell_for_network(json, where, cell);
    cJSON_Delete(json);
    free(where);
    return read;
}
