// SPDX-License-Identifier: MIT
// A Python pickle as an inert tree. Nothing is imported and nothing is called: a call stays a node
// that names what it would call. Only the opcodes that tensors, dicts of tensors and what stands
// beside them in checkpoints need are known. Source: the opcode table in CPython's
// Lib/pickletools.py.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,       // number
    PICKLE_INT,        // number
    PICKLE_OTHER,      // a value that is not kept: real numbers, bytes, texts of several lines
    PICKLE_TEXT,       // text
    PICKLE_GLOBAL,     // text: "module.name"
    PICKLE_TUPLE,      // items
    PICKLE_LIST,       // items
    PICKLE_DICT,       // items: key, value, key, value, ...
    PICKLE_CALL,       // callee and arguments; items: what was set in the result, as in a dict
    PICKLE_PERSISTENT, // arguments: the persistent id
};

struct pickle_node {
    enum pickle_kind kind;
    int64_t number;
    char *text; // without control characters
    uint32_t callee, arguments;
    uint32_t *items; // indices of nodes; a node may stand in several places, even in itself
    uint32_t count;
    size_t room;
};

struct pickle {
    struct pickle_node *nodes;
    uint32_t count, root;
};

// `allowed` says whether a global may be named; one that may not be ends the reading with an error
// that names it. used: how many bytes the pickle has, when more may follow; NULL when none may.
bool pickle_parse(const uint8_t *bytes, size_t size, size_t *used,
                  bool (*allowed)(const char *global), struct pickle *pickle);
void pickle_free(struct pickle *pickle); // leaves an empty pickle
