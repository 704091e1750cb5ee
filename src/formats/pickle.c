// SPDX-License-Identifier: MIT
#include "formats/pickle.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

#define MARK UINT32_MAX      // on the stack: where a tuple's or dict's items begin
#define PICKLE_LIMIT 4194304 // bytes; a ResNet's state dict takes about 50,000
#define GLOBAL_LIMIT 200     // bytes of a module's name, and of a name in it

struct machine {
    const uint8_t *at, *end;
    bool (*allowed)(const char *global);
    struct pickle *pickle;
    uint32_t *stack;
    size_t depth, room, node_room;
    uint32_t *memo; // index + 1, 0 where there is none; as many as the pickle has bytes
    size_t memo_size, memoized;
};

// The next bytes, or NULL with a message.
static const uint8_t *take(struct machine *machine, size_t size)
{
    const uint8_t *bytes = machine->at;
    if ((size_t)(machine->end - bytes) < size) {
        error_set("pickle ends in the middle of an opcode");
        return NULL;
    }
    machine->at += size;
    return bytes;
}

// A little-endian number of 1 to 4 bytes.
static bool take_number(struct machine *machine, size_t size, uint32_t *number)
{
    const uint8_t *bytes = take(machine, size);
    *number = 0;
    if (bytes)
        memcpy(number, bytes, size);
    return bytes;
}

static void push(struct machine *machine, uint32_t index)
{
    machine->stack =
        mem_reserve(machine->stack, &machine->room, machine->depth + 1, sizeof(machine->stack[0]));
    machine->stack[machine->depth++] = index;
}

static bool push_node(struct machine *machine, struct pickle_node node)
{
    struct pickle *pickle = machine->pickle;
    pickle->nodes =
        mem_reserve(pickle->nodes, &machine->node_room, (size_t)pickle->count + 1, sizeof(node));
    pickle->nodes[pickle->count] = node;
    push(machine, pickle->count++);
    return true;
}

static bool pop(struct machine *machine, uint32_t *index)
{
    if (machine->depth == 0 || machine->stack[machine->depth - 1] == MARK)
        return error_set("pickle takes more from its stack than it put there");
    *index = machine->stack[--machine->depth];
    return true;
}

// How many values lie above the last mark.
static bool count_to_mark(const struct machine *machine, size_t *count)
{
    size_t depth = machine->depth;
    while (depth > 0 && machine->stack[depth - 1] != MARK)
        depth--;
    *count = machine->depth - depth;
    return depth > 0 || error_set("pickle wants a mark that is not there");
}

// Moves the topmost `count` values of the stack to the end of a node's items.
static bool move_items(struct machine *machine, size_t count, struct pickle_node *node)
{
    if (count == 0)
        return true;
    if (machine->depth < count)
        return error_set("pickle takes more from its stack than it put there");
    const uint32_t *first = machine->stack + machine->depth - count;
    node->items =
        mem_reserve(node->items, &node->room, node->count + count, sizeof(node->items[0]));
    for (size_t i = 0; i < count; i++) {
        if (first[i] == MARK)
            return error_set("pickle has a mark among its values");
        node->items[node->count++] = first[i];
    }
    machine->depth -= count;
    return true;
}

static bool push_tuple(struct machine *machine, size_t count)
{
    struct pickle_node tuple = {.kind = PICKLE_TUPLE};
    if (!move_items(machine, count, &tuple)) {
        free(tuple.items);
        return false;
    }
    return push_node(machine, tuple);
}

// Appends the topmost values to the list, dict or called object below them.
static bool add_items(struct machine *machine, size_t count, bool pairs)
{
    if (machine->depth <= count || machine->stack[machine->depth - count - 1] == MARK)
        return error_set("pickle takes more from its stack than it put there");
    struct pickle_node *target =
        &machine->pickle->nodes[machine->stack[machine->depth - count - 1]];
    const bool fits =
        pairs ? (target->kind == PICKLE_DICT || target->kind == PICKLE_CALL) && count % 2 == 0
              : target->kind == PICKLE_LIST;
    return fits ? move_items(machine, count, target)
                : error_set("pickle adds items to what cannot hold them");
}

static bool add_marked_items(struct machine *machine, bool pairs)
{
    size_t count;
    if (!count_to_mark(machine, &count))
        return false;
    // The mark lies between the container and the items: drop it first.
    uint32_t *mark = machine->stack + machine->depth - count - 1;
    memmove(mark, mark + 1, count * sizeof(mark[0]));
    machine->depth--;
    return add_items(machine, count, pairs);
}

// A text whose size is a number of 1 or 4 bytes.
static bool push_text(struct machine *machine, size_t number_size)
{
    uint32_t size;
    const uint8_t *bytes = take_number(machine, number_size, &size) ? take(machine, size) : NULL;
    if (!bytes)
        return false;
    if (!is_printable(bytes, size))
        return push_node(machine, (struct pickle_node){.kind = PICKLE_OTHER});
    struct pickle_node node = {.kind = PICKLE_TEXT, .text = mem_alloc((size_t)size + 1)};
    memcpy(node.text, bytes, size);
    node.text[size] = 0;
    return push_node(machine, node);
}

// A line of a global's name, or NULL with a message.
static const uint8_t *take_line(struct machine *machine, size_t *size)
{
    const uint8_t *line = machine->at, *end = memchr(line, '\n', (size_t)(machine->end - line));
    *size = end ? (size_t)(end - line) : 0;
    if (!end || *size > GLOBAL_LIMIT || !is_printable(line, *size)) {
        error_set("pickle names something unreadable");
        return NULL;
    }
    machine->at = end + 1;
    return line;
}

// Takes the text over.
static bool push_allowed(struct machine *machine, char *text)
{
    if (!machine->allowed(text)) {
        error_set("wants %s, but only tensors and dicts of tensors are read", text);
        free(text);
        return false;
    }
    return push_node(machine, (struct pickle_node){.kind = PICKLE_GLOBAL, .text = text});
}

static bool push_global(struct machine *machine)
{
    size_t module_size, name_size;
    const uint8_t *module = take_line(machine, &module_size);
    const uint8_t *name = module ? take_line(machine, &name_size) : NULL;
    return name &&
           push_allowed(machine, text_format("%.*s.%.*s", (int)module_size, (const char *)module,
                                             (int)name_size, (const char *)name));
}

// Protocol 4: module and name are the topmost texts.
static bool push_stack_global(struct machine *machine)
{
    uint32_t module = 0, name = 0;
    if (!pop(machine, &name) || !pop(machine, &module))
        return false;
    const struct pickle_node *nodes = machine->pickle->nodes;
    if (nodes[module].kind != PICKLE_TEXT || nodes[name].kind != PICKLE_TEXT ||
        strlen(nodes[module].text) > GLOBAL_LIMIT || strlen(nodes[name].text) > GLOBAL_LIMIT)
        return error_set("pickle names something unreadable");
    return push_allowed(machine, text_format("%s.%s", nodes[module].text, nodes[name].text));
}

// LONG1: a two's complement number of up to 8 bytes here.
static bool push_long(struct machine *machine)
{
    uint32_t size;
    const uint8_t *bytes = take_number(machine, 1, &size) ? take(machine, size) : NULL;
    if (!bytes)
        return false;
    if (size > 8)
        return error_set("pickle has a number of more than 64 bits");
    int64_t number = size > 0 && bytes[size - 1] & 0x80 ? -1 : 0;
    memcpy(&number, bytes, size);
    return push_node(machine, (struct pickle_node){.kind = PICKLE_INT, .number = number});
}

static bool push_number(struct machine *machine, size_t size)
{
    uint32_t number;
    if (!take_number(machine, size, &number))
        return false;
    const int64_t value = size == 4 ? (int32_t)number : (int64_t)number;
    return push_node(machine, (struct pickle_node){.kind = PICKLE_INT, .number = value});
}

static bool put_memo(struct machine *machine, size_t id)
{
    if (id >= machine->memo_size || machine->depth == 0 ||
        machine->stack[machine->depth - 1] == MARK)
        return error_set("pickle remembers what is not there");
    machine->memo[id] = machine->stack[machine->depth - 1] + 1;
    machine->memoized++;
    return true;
}

static bool put_memo_of(struct machine *machine, size_t size)
{
    uint32_t id;
    return take_number(machine, size, &id) && put_memo(machine, id);
}

static bool get_memo(struct machine *machine, size_t size)
{
    uint32_t id;
    if (!take_number(machine, size, &id))
        return false;
    if (id >= machine->memo_size || machine->memo[id] == 0)
        return error_set("pickle recalls what it has not remembered");
    push(machine, machine->memo[id] - 1);
    return true;
}

static bool push_call(struct machine *machine)
{
    struct pickle_node node = {.kind = PICKLE_CALL};
    if (!pop(machine, &node.arguments) || !pop(machine, &node.callee))
        return false;
    if (machine->pickle->nodes[node.callee].kind != PICKLE_GLOBAL ||
        machine->pickle->nodes[node.arguments].kind != PICKLE_TUPLE)
        return error_set("pickle calls what is no function");
    return push_node(machine, node);
}

static bool push_persistent(struct machine *machine)
{
    struct pickle_node node = {.kind = PICKLE_PERSISTENT};
    return pop(machine, &node.arguments) && push_node(machine, node);
}

static bool step(struct machine *machine, uint8_t opcode)
{
    uint32_t dropped;
    size_t count;
    switch (opcode) {
    case 'c':
        return push_global(machine);
    case 'q':
        return put_memo_of(machine, 1);
    case 'r':
        return put_memo_of(machine, 4);
    case 'h':
        return get_memo(machine, 1);
    case 'j':
        return get_memo(machine, 4);
    case '(':
        push(machine, MARK);
        return true;
    case 'X':
    case 'T': // of Python 2
        return push_text(machine, 4);
    case 0x8c:
    case 'U': // of Python 2
        return push_text(machine, 1);
    case 'B':
    case 'C': // bytes
        return take_number(machine, opcode == 'C' ? 1 : 4, &dropped) && take(machine, dropped) &&
               push_node(machine, (struct pickle_node){.kind = PICKLE_OTHER});
    case 0x93:
        return push_stack_global(machine);
    case 0x94:
        return put_memo(machine, machine->memoized);
    case 0x95: // a frame begins: its size is of use for reading ahead only
        return take(machine, 8);
    case 'K':
        return push_number(machine, 1);
    case 'M':
        return push_number(machine, 2);
    case 'J':
        return push_number(machine, 4);
    case 0x8a:
        return push_long(machine);
    case 'G':
        return take(machine, 8) && push_node(machine, (struct pickle_node){.kind = PICKLE_OTHER});
    case 'N':
        return push_node(machine, (struct pickle_node){.kind = PICKLE_NONE});
    case 0x88:
    case 0x89:
        return push_node(machine,
                         (struct pickle_node){.kind = PICKLE_BOOL, .number = opcode == 0x88});
    case ')':
        return push_tuple(machine, 0);
    case 0x85:
    case 0x86:
    case 0x87:
        return push_tuple(machine, opcode - 0x84u);
    case 't':
        if (!count_to_mark(machine, &count) || !push_tuple(machine, count))
            return false;
        machine->depth--; // the mark below the tuple
        machine->stack[machine->depth - 1] = machine->stack[machine->depth];
        return true;
    case '}':
        return push_node(machine, (struct pickle_node){.kind = PICKLE_DICT});
    case ']':
        return push_node(machine, (struct pickle_node){.kind = PICKLE_LIST});
    case 'a':
        return add_items(machine, 1, false);
    case 'e':
        return add_marked_items(machine, false);
    case 's':
        return add_items(machine, 2, true);
    case 'u':
        return add_marked_items(machine, true);
    case 'R':
    case 0x81: // an object of a class
        return push_call(machine);
    case 'Q':
        return push_persistent(machine);
    case 'b': // attributes of the object below (a state dict's _metadata): of no interest
        return pop(machine, &dropped);
    default:
        return error_set("pickle opcode 0x%02x is none that tensors and dicts of tensors need",
                         opcode);
    }
}

bool pickle_parse(const uint8_t *bytes, size_t size, size_t *used,
                  bool (*allowed)(const char *global), struct pickle *pickle)
{
    struct machine machine = {
        .at = bytes, .end = bytes + size, .allowed = allowed, .pickle = pickle, .memo_size = size};
    *pickle = (struct pickle){0};
    if (used && size > PICKLE_LIMIT) {
        size = machine.memo_size = PICKLE_LIMIT;
        machine.end = bytes + size;
    }
    if (size > PICKLE_LIMIT)
        FAIL("pickle of %zu bytes, more than the %d that are allowed", size, PICKLE_LIMIT);
    machine.memo = mem_zalloc(size, sizeof(machine.memo[0]));
    if (size < 2 || bytes[0] != 0x80)
        FAIL("not a pickle of protocol 2 to 5");
    if (bytes[1] < 2 || bytes[1] > 5)
        FAIL("pickle of protocol %d: 2 (the default of torch.save) to 5 are read", bytes[1]);
    machine.at += 2;
    for (;;) {
        const uint8_t *opcode = take(&machine, 1);
        CHECK(opcode);
        if (*opcode == '.')
            break;
        CHECK(step(&machine, *opcode));
    }
    CHECK(pop(&machine, &pickle->root));
    if (machine.depth != 0 || (!used && machine.at != machine.end))
        FAIL("pickle goes on after its end");
    if (used)
        *used = (size_t)(machine.at - bytes);
    free(machine.stack);
    free(machine.memo);
    return true;
error:
    free(machine.stack);
    free(machine.memo);
    pickle_free(pickle);
    return false;
}

void pickle_free(struct pickle *pickle)
{
    for (uint32_t i = 0; i < pickle->count; i++) {
        free(pickle->nodes[i].text);
        free(pickle->nodes[i].items);
    }
    free(pickle->nodes);
    *pickle = (struct pickle){0};
}
