// SPDX-License-Identifier: MIT
// Independent pieces of work on several threads.
#pragma once

// Calls work(context, i) for every i from 0 to count - 1, each once, on at most so many threads, of
// which the caller's is one; returns when all are done. Threads that the system refuses are done
// without. An error's message (error.h) belongs to the thread that set it.
void parallel(int threads, int count, void (*work)(void *context, int i), void *context);
