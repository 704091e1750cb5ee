// SPDX-License-Identifier: MIT
// How loss.c lays out its scratch: [n][chunk][label][LOSS_SUMS].
#pragma once

#include <stddef.h>

enum { LOSS_PT, LOSS_PP, LOSS_TT, LOSS_T, LOSS_BCE, LOSS_SUMS }; // sums of p t, p^2, t^2, t, BCE
enum { LOSS_CHUNK = 1024 };                                      // pixels

static inline size_t loss_chunks(int pixels)
{
    return ((size_t)pixels + LOSS_CHUNK - 1) / LOSS_CHUNK;
}
