// SPDX-License-Identifier: MIT
#include "formats/torch_state.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 4 // dicts in dicts
#define SHOWN 6   // names in a message

// Under which keys training programs keep the network's state dict, the most telling first.
static const char *const wrappers[] = {"state_dict", "model_state_dict", "model_state", "model",
                                       "net",        "network",          "weights"};

bool torch_take_dict(struct torch_file *file, uint32_t index, bool only, struct tensors *tensors)
{
    const struct pickle *pickle = &file->pickle;
    const struct pickle_node *dict = torch_dict(pickle, index);
    if (dict->count / 2 > TORCH_LIMIT)
        return error_set("a dict of %u entries: at most %d are allowed", dict->count / 2,
                         TORCH_LIMIT);
    for (uint32_t i = 0; i < dict->count; i += 2) {
        const struct pickle_node *key = &pickle->nodes[dict->items[i]];
        if (!only && !torch_is_tensor(pickle, dict->items[i + 1]))
            continue;
        if (key->kind != PICKLE_TEXT || key->text[0] == 0 ||
            strlen(key->text) >= sizeof(tensors->items[0].name))
            return error_set("a key of the dict is not a name of 1 to %zu bytes",
                             sizeof(tensors->items[0].name) - 1);
        if (tensors_find(tensors, key->text))
            return error_set("\"%s\": is there twice", key->text);
        if (!torch_tensor(file, dict->items[i + 1], key->text, tensors))
            return error_prefix("\"%s\"", key->text);
    }
    return true;
}

static bool has_tensors(const struct pickle *pickle, const struct pickle_node *dict)
{
    for (uint32_t i = 0; i < dict->count; i += 2)
        if (torch_is_tensor(pickle, dict->items[i + 1]))
            return true;
    return false;
}

// The place in the dict's items of a dict under that key, or 0: values stand at odd places.
static uint32_t find_dict(const struct pickle *pickle, const struct pickle_node *dict,
                          const char *name)
{
    for (uint32_t i = 0; i < dict->count; i += 2) {
        const struct pickle_node *key = &pickle->nodes[dict->items[i]];
        if (key->kind == PICKLE_TEXT && strcmp(key->text, name) == 0 &&
            torch_dict(pickle, dict->items[i + 1]))
            return i + 1;
    }
    return 0;
}

static uint32_t find_wrapped(const struct pickle *pickle, const struct pickle_node *dict)
{
    uint32_t at = 0;
    for (size_t i = 0; at == 0 && i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
        at = find_dict(pickle, dict, wrappers[i]);
    return at;
}

// The names of what is no tensor in the dict and is not at `taken`.
static void list_others(struct text *list, const struct pickle *pickle,
                        const struct pickle_node *dict, uint32_t taken)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < dict->count; i += 2) {
        const struct pickle_node *key = &pickle->nodes[dict->items[i]];
        if (i + 1 == taken || (taken == 0 && torch_is_tensor(pickle, dict->items[i + 1])))
            continue;
        if (others++ < SHOWN)
            text_add(list, "%s%.60s", list->size > 0 ? ", " : "",
                     key->kind == PICKLE_TEXT ? key->text : "?");
    }
    if (others > SHOWN)
        text_add(list, " and %u more", others - SHOWN);
}

static bool no_state(const struct pickle *pickle, const struct pickle_node *dict)
{
    struct text names = {0};
    list_others(&names, pickle, dict, 0);
    error_set(
        "no state dict in it, only %s: a dict of tensors, or one under state_dict, "
        "model_state_dict, model, net or weights is read",
        names.bytes ? names.bytes : "an empty dict");
    free(names.bytes);
    return false;
}

bool torch_take_state(struct torch_file *file, struct tensors *tensors, char **note)
{
    const struct pickle *pickle = &file->pickle;
    struct text path = {0}, others = {0}, text = {0};
    uint32_t index = pickle->root, at = 0;
    const struct pickle_node *dict = torch_dict(pickle, index);
    CHECK(dict || error_set("holds no state dict: a dict of tensors is wanted"));
    for (int depth = 0; depth < DEEPEST && (at = find_wrapped(pickle, dict)) > 0; depth++) {
        list_others(&others, pickle, dict, at);
        text_add(&path, "[\"%s\"]", pickle->nodes[dict->items[at - 1]].text);
        index = dict->items[at];
        dict = torch_dict(pickle, index);
    }
    CHECK(has_tensors(pickle, dict) || no_state(pickle, dict));
    list_others(&others, pickle, dict, 0);
    CHECK(torch_take_dict(file, index, false, tensors));
    if (path.bytes)
        text_add(&text, "taken from %s", path.bytes);
    if (others.bytes)
        text_add(&text, "%sleft out: %s", text.bytes ? "; " : "", others.bytes);
    *note = text.bytes;
    free(path.bytes);
    free(others.bytes);
    return true;
error:
    free(path.bytes);
    free(others.bytes);
    return false;
}
