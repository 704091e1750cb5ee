// SPDX-License-Identifier: MIT
// A program as the files see it that it is made of.
#pragma once

#include "engine/memory_plan.h"
#include "engine/vulkan/pieces.h"

struct vulkan_program {
    struct program base; // its graph is the caller's
    struct vulkan_engine *engine;
    struct graph *graph; // what is run: ops may be joined
    struct memory_plan plan;
    bool *joined[ROUTINE_COUNT]; // [op]: it shares a gap with the one before (gaps.c)
    bool *half;                  // [tensor]: made of fp16 numbers (engine/halves.h)
    int piece_slots;             // of a piece of memory
    struct pieces blocks[BLOCK_COUNT];
    struct vulkan_buffer staging; // where blocks are not mapped
    struct pieces rounded;        // mixed: parameters as fp16, [slot][parameter_span]
    bool rounded_stale;           // since the parameters were changed
    VkCommandPool pool;
    VkCommandBuffer transfer;
    VkSemaphore timeline;
    uint64_t submitted;
    int at_once;       // command buffers of a submission
    int busy_commands; // submitted since the last wait
    double busy_since;
    struct routine_commands *routines; // those that were run (commands.h)
    int routine_count;
};
