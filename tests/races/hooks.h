// SPDX-License-Identifier: MIT
// What a test puts between an engine and its driver, through the engine's own table of functions:
// other modules in place of the built ones, buffers of exactly the bytes that are asked for, and
// dispatches in another order. One device at a time.
#pragma once

#include "engine/vulkan/engine.h"

// Modules are replaced by those of a folder: NAME.spv takes the place of a module with the words of
// NAME.built.spv. all: a module that is not there fails.
bool hooks_replace_modules(struct vulkan_engine *engine, const char *folder, bool all);
// Of the modules of the folder, those that were asked for and replaced.
int hooks_replaced(void);

// Buffers end where their contents do, without the engine's slack (which their memory keeps), so
// that whoever checks addresses sees what lies behind them.
void hooks_exact_buffers(struct vulkan_engine *engine);

// Dispatches that have no barrier between them are written last first. barriers: false leaves out
// all barriers, so that every dispatch of a command buffer changes places.
void hooks_turn_dispatches(struct vulkan_engine *engine, bool barriers);
int hooks_turned(void); // dispatches that were not alone between two barriers
