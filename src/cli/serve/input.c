// SPDX-License-Identifier: MIT
#include "cli/serve/input.h"

#include "cli/serve/request.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_LIMIT ((size_t)1 << 20)
#define LOOK_MILLISECONDS 100 // between two looks at what wakes nobody
#define SILENCE_SECONDS 1.0   // after which requests that came are trained

struct input {
    pthread_t thread;
    struct replies *replies;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct cJSON *waiting; // requests to train
    struct cJSON *prunes;  // {"id"} of cells that are to be stopped
    double last;           // time of the last of these
    bool go, end, close;
    struct text line; // that is not whole yet; of the thread
    long number;      // of the line
    bool skips;       // the rest of a line that was too long
};

// --- Lines --------------------------------------------------------------------------------------

static void move_items(cJSON *from, cJSON *to)
{
    while (from->child)
        cJSON_AddItemToArray(to, cJSON_DetachItemViaPointer(from, from->child));
}

static void take_request(struct input *input, struct request *request)
{
    pthread_mutex_lock(&input->lock);
    switch (request->kind) {
    case REQUEST_TRAIN:
        move_items(request->items, input->waiting);
        input->last = seconds_now();
        input->go |= request->batch;
        break;
    case REQUEST_PRUNE:
        move_items(request->items, input->prunes);
        break;
    case REQUEST_GO:
        input->go = input->waiting->child;
        break;
    case REQUEST_END:
        input->end = true;
        break;
    }
    pthread_cond_broadcast(&input->changed);
    pthread_mutex_unlock(&input->lock);
    cJSON_Delete(request->items);
}

// What cannot be written is seen where the next line is.
static void end_line(struct input *input)
{
    struct request request;
    char *where = text_format("line %ld", ++input->number);
    if (input->skips)
        reply_error(input->replies, input->number, "is longer than 1 MiB");
    else if (request_parse(input->line.bytes ? input->line.bytes : "", input->line.size, where,
                           &request))
        take_request(input, &request);
    else
        reply_error(input->replies, input->number, error_text());
    input->line.size = 0;
    input->skips = false;
    free(where);
}

static void take_bytes(struct input *input, const char *bytes, size_t size)
{
    struct text *line = &input->line;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            end_line(input);
        } else if (line->size == LINE_LIMIT) {
            input->skips = true;
        } else {
            line->bytes = mem_reserve(line->bytes, &line->room, line->size + 1, 1);
            line->bytes[line->size++] = bytes[i];
        }
    }
}

// --- The thread ---------------------------------------------------------------------------------

static void end_input(struct input *input)
{
    if (input->line.size > 0 || input->skips)
        end_line(input);
    pthread_mutex_lock(&input->lock);
    input->end = true;
    pthread_cond_broadcast(&input->changed);
    pthread_mutex_unlock(&input->lock);
}

static bool is_over(struct input *input, bool *end)
{
    pthread_mutex_lock(&input->lock);
    const bool over = input->close;
    *end = input->end;
    if (interrupt_requested())
        pthread_cond_broadcast(&input->changed);
    pthread_mutex_unlock(&input->lock);
    return over;
}

static void read_some(struct input *input)
{
    char bytes[4096];
    const ssize_t size = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (size > 0)
        take_bytes(input, bytes, (size_t)size);
    else if (size == 0 || (errno != EINTR && errno != EAGAIN))
        end_input(input);
}

// When nobody reads the answers any more the training is for nobody: it is interrupted, and saved.
static void *read_lines(void *argument)
{
    struct input *input = argument;
    bool end = false, gone = false;
    while (!is_over(input, &end)) {
        struct pollfd files[] = {{.fd = end ? -1 : STDIN_FILENO, .events = POLLIN},
                                 {.fd = gone ? -1 : STDOUT_FILENO}};
        if (poll(files, 2, LOOK_MILLISECONDS) < 0)
            continue;
        if (files[1].revents & (POLLERR | POLLHUP)) {
            gone = true;
            if (!interrupt_requested()) // a second signal would be the end at once
                kill(getpid(), SIGTERM);
        }
        if (files[0].revents)
            read_some(input);
    }
    return NULL;
}

bool input_open(struct replies *replies, struct input **result)
{
    struct input *input = mem_zalloc(1, sizeof(*input));
    input->replies = replies;
    input->waiting = cJSON_CreateArray();
    input->prunes = cJSON_CreateArray();
    pthread_mutex_init(&input->lock, NULL);
    pthread_cond_init(&input->changed, NULL);
    *result = input;
    if (pthread_create(&input->thread, NULL, read_lines, input) == 0)
        return true;
    input->close = true;
    cJSON_Delete(input->waiting);
    cJSON_Delete(input->prunes);
    free(input);
    *result = NULL;
    return error_set("no thread could be started for the requests");
}

void input_close(struct input **result)
{
    struct input *input = *result;
    if (!input)
        return;
    pthread_mutex_lock(&input->lock);
    input->close = true;
    pthread_mutex_unlock(&input->lock);
    pthread_join(input->thread, NULL);
    pthread_cond_destroy(&input->changed);
    pthread_mutex_destroy(&input->lock);
    cJSON_Delete(input->waiting);
    cJSON_Delete(input->prunes);
    free(input->line.bytes);
    free(input);
    *result = NULL;
}

// --- What is asked ------------------------------------------------------------------------------

static bool is_ready(const struct input *input)
{
    return input->waiting->child &&
           (input->go || input->end || seconds_now() - input->last >= SILENCE_SECONDS);
}

static void wait_a_while(struct input *input)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_MILLISECONDS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&input->changed, &input->lock, &until);
}

void input_take(struct input *input, struct cJSON **items)
{
    *items = NULL;
    pthread_mutex_lock(&input->lock);
    while (!is_ready(input) && !input->end && !interrupt_requested())
        wait_a_while(input);
    if (is_ready(input) && !interrupt_requested()) {
        *items = input->waiting;
        input->waiting = cJSON_CreateArray();
        input->go = false;
    }
    pthread_mutex_unlock(&input->lock);
}

// Under the lock.
static cJSON *find(const cJSON *items, const char *id)
{
    cJSON *item = items->child;
    while (item && strcmp(item_id(item), id) != 0)
        item = item->next;
    return item;
}

bool input_prunes(struct input *input, const char *id)
{
    pthread_mutex_lock(&input->lock);
    const bool prunes = find(input->prunes, id);
    pthread_mutex_unlock(&input->lock);
    return prunes;
}

void input_forget(struct input *input, const char *id)
{
    cJSON *item;
    pthread_mutex_lock(&input->lock);
    while ((item = find(input->prunes, id)))
        cJSON_Delete(cJSON_DetachItemViaPointer(input->prunes, item));
    pthread_mutex_unlock(&input->lock);
}
