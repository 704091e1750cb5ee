// SPDX-License-Identifier: MIT
#include "vkgrid/base/parallel.h"

#include "vkgrid/base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct shared {
    atomic_int next;
    int count;
    void (*work)(void *context, int i);
    void *context;
};

static void *take_pieces(void *argument)
{
    struct shared *shared = argument;
    for (int i; (i = atomic_fetch_add(&shared->next, 1)) < shared->count;)
        shared->work(shared->context, i);
    return NULL;
}

void parallel(int threads, int count, void (*work)(void *context, int i), void *context)
{
    struct shared shared = {.count = count, .work = work, .context = context};
    const int others = (threads < count ? threads : count) - 1;
    pthread_t *started = mem_zalloc(others > 0 ? (size_t)others : 1, sizeof(*started));
    int running = 0;
    while (running < others && pthread_create(&started[running], NULL, take_pieces, &shared) == 0)
        running++;
    take_pieces(&shared);
    for (int i = 0; i < running; i++)
        pthread_join(started[i], NULL);
    free(started);
}
