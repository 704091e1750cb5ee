// SPDX-License-Identifier: MIT
// What is shown of a study's progress: on a terminal (a pseudo-terminal, whose lines a small one
// here works out), in a file, with --quiet, and from many threads.
#include "tests/test.h"
#include "run/progress.h"

#include "vkgrid/base/clock.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS 200 // of the emulated terminal: nothing scrolls away
#define COLS 300

// Only what live lines use, on a terminal that never wraps.
struct screen {
    char lines[ROWS][COLS + 1];
    int row, col, moved_up, drawings, colours;
};

static void print(struct screen *screen, char c)
{
    assert_true(screen->row < ROWS && screen->col < COLS);
    for (int i = (int)strlen(screen->lines[screen->row]); i < screen->col; i++)
        screen->lines[screen->row][i] = ' ';
    screen->lines[screen->row][screen->col++] = c;
}

static const char *escape(struct screen *screen, const char *p)
{
    int number = 0;
    assert_int_equal(*p, '[');
    const bool own = p[1] == '?';
    for (p += own ? 2 : 1; *p >= '0' && *p <= '9'; p++)
        number = 10 * number + *p - '0';
    if (own) {
        assert_true(number == 7 && (*p == 'h' || *p == 'l'));
        screen->drawings += *p == 'l';
    } else if (*p == 'A') {
        screen->moved_up = number;
        screen->row -= number;
        assert_true(screen->row >= 0);
    } else if (*p == 'K') {
        screen->lines[screen->row][screen->col] = 0;
    } else if (*p == 'J') {
        screen->lines[screen->row][screen->col] = 0;
        for (int i = screen->row + 1; i < ROWS; i++)
            screen->lines[i][0] = 0;
    } else {
        assert_int_equal(*p, 'm');
        screen->colours++;
    }
    return p + 1;
}

static void show(struct screen *screen, const char *text)
{
    for (const char *p = text; *p;) {
        if (*p == '\033') {
            p = escape(screen, p + 1);
            continue;
        }
        if (*p == '\r')
            screen->col = 0;
        else if (*p == '\n')
            screen->row++;
        else
            print(screen, *p);
        p++;
    }
}

// stderr, and what it is in the meantime.
struct capture {
    int saved, terminal;
    char path[64];
};

static struct capture capture_begin(bool terminal, int cols)
{
    struct capture capture = {.saved = dup(STDERR_FILENO), .terminal = -1};
    int file;
    if (terminal) {
        struct winsize size = {.ws_row = 50, .ws_col = (unsigned short)cols};
        if (openpty(&capture.terminal, &file, NULL, NULL, &size) != 0)
            SKIP_TEST("no pseudo-terminal: %s", strerror(errno));
        fcntl(capture.terminal, F_SETFL, O_NONBLOCK);
    } else {
        strcpy(capture.path, "progress_test.XXXXXX");
        file = mkstemp(capture.path);
    }
    assert_true(file >= 0);
    dup2(file, STDERR_FILENO);
    close(file);
    return capture;
}

// What was written since the last call.
static void capture_read(struct capture *capture, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got;
    const int file = capture->terminal >= 0 ? capture->terminal : open(capture->path, O_RDONLY);
    while (length + 1 < size && (got = read(file, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = 0;
    if (file != capture->terminal)
        close(file);
}

static void capture_end(struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    if (capture->terminal >= 0)
        close(capture->terminal);
    else
        unlink(capture->path);
}

static char text[1 << 20];

static int set_up(void **state)
{
    (void)state;
    return setenv("TERM", "xterm", 1) || unsetenv("NO_COLOR");
}

// Tests make time pass themselves.
static double now = 1000;

static double test_clock(void)
{
    return now;
}

static void start(struct progress *progress, bool quiet, int cells, int packs, double work)
{
    progress_start(progress, quiet, cells, packs, work);
    progress->clock = test_clock;
    progress->started = now;
}

// Two devices, cells of all kinds, scores.
static void play(struct progress *progress, struct progress_worker workers[2])
{
    progress_cell(progress, PROGRESS_DONE);
    for (int i = 0; i < 3; i++)
        progress_cell(progress, PROGRESS_RUNNING);
    progress_cell(progress, PROGRESS_FAILED);
    progress_best(progress, "anat_area", 3, 0.75, 0.25, NULL);
    progress_best(progress, "all_ring", 4, 0.625, 0.5, "Dice E0 0.9000, E1 -");
    progress_best(progress, "anat_area", 12, 0.375, 0.125, NULL);
    progress_join(progress, &workers[0], "GPU one");
    progress_join(progress, &workers[1], "GPU two");
    progress_pack(&workers[0], "resnet18 anat area, 4 slots", 600, 0);
    progress_pack(&workers[1], "resnet34 all ring, 2 slots", 200, 100);
    progress_place(&workers[0], 1, 3, 4, 10);
    progress_steps(&workers[0], 1, 4);
    progress_samples(&workers[0], 100);
    now += 0.002;
    progress_samples(&workers[0], 100);
    now += 0.11; // the next call may draw
    progress_steps(&workers[1], 3, 4);
}

static void test_live(void **state)
{
    static struct screen screen;
    struct progress progress;
    struct progress_worker workers[2];
    struct capture capture = capture_begin(true, 120);
    (void)state;
    start(&progress, false, 10, 5, 1000);
    play(&progress, workers);
    progress_say(&progress, "grid%05d: %s", 12, "a message\033[2J");
    capture_read(&capture, text, sizeof(text));
    show(&screen, text);
    progress_end(&progress);
    capture_read(&capture, text, sizeof(text));
    capture_end(&capture);

    assert_string_equal(screen.lines[0], "grid00012: a message?[2J");
    assert_ptr_equal(strstr(screen.lines[1], "cells 1/10, 2 running, 1 failed, 30.0%, "),
                     screen.lines[1]);
    assert_non_null(strstr(screen.lines[1], " samples/s, about "));
    assert_non_null(strstr(screen.lines[1], " s left"));
    assert_ptr_equal(strstr(screen.lines[2], " 25%  round 1/3 epoch 4/10, "), screen.lines[2]);
    assert_non_null(strstr(screen.lines[2], " samples/s, GPU one: resnet18 anat area, 4 slots"));
    assert_string_equal(screen.lines[3], " 75%  GPU two: resnet34 all ring, 2 slots");
    assert_string_equal(screen.lines[4],
                        "best anat_area  dice loss 0.1250  loss 0.3750  grid00012");
    assert_string_equal(
        screen.lines[5],
        "best all_ring   dice loss 0.5000  loss 0.6250  grid00004  Dice E0 0.9000, E1 -");
    assert_string_equal(screen.lines[6], "");
    assert_int_equal(screen.row, 6); // below the block
    assert_true(screen.colours > 0);

    show(&screen, text);
    assert_int_equal(screen.row, 1); // only the message stays
    assert_string_equal(screen.lines[0], "grid00012: a message?[2J");
    for (int i = 1; i < ROWS; i++)
        assert_string_equal(screen.lines[i], "");
}

static void test_drawings(void **state)
{
    static struct screen screen;
    struct progress progress;
    struct progress_worker worker;
    struct capture capture = capture_begin(true, 120);
    (void)state;
    start(&progress, false, 1, 1, 1);
    progress_join(&progress, &worker, "GPU");
    progress_pack(&worker, "a pack", 1, 0);
    for (int i = 0; i < 1000; i++) {
        progress_steps(&worker, i, 1000);
        now += 0.0003;
    }
    progress_end(&progress);
    capture_read(&capture, text, sizeof(text));
    capture_end(&capture);
    show(&screen, text);
    // One at the beginning, and one each 0.1 s of the 0.3 s after it.
    assert_in_range(screen.drawings, 3, 4);
}

// Cut to the width; when the terminal becomes narrower, the way back counts the lines that it
// wrapped.
static void test_width(void **state)
{
    static struct screen screen;
    struct progress progress;
    struct progress_worker worker;
    struct capture capture = capture_begin(true, 60);
    struct winsize size = {.ws_row = 4, .ws_col = 25};
    (void)state;
    setenv("NO_COLOR", "1", 1);
    start(&progress, false, 10, 5, 1000);
    progress_join(&progress, &worker, "GPU");
    progress_pack(&worker, "a label of many words, more than there is room for on a line", 1000, 0);
    capture_read(&capture, text, sizeof(text));
    show(&screen, text);
    assert_int_equal(strlen(screen.lines[1]), 59);
    assert_int_equal(screen.colours, 0);
    const int rows = ((int)strlen(screen.lines[0]) + 24) / 25 + 3;
    ioctl(capture.terminal, TIOCSWINSZ, &size);
    for (int i = 0; i < 5; i++)
        progress_best(&progress, i % 2 ? "a" : i ? "b" : "c", i, 0.5, 0.5, NULL);
    screen.row = rows; // as the terminal would have wrapped
    progress_say(&progress, "narrow");
    capture_read(&capture, text, sizeof(text));
    show(&screen, text);
    assert_int_equal(screen.moved_up, rows);
    assert_string_equal(screen.lines[0], "narrow");
    assert_int_equal(strlen(screen.lines[2]), 24);
    assert_int_equal(screen.row, 4); // three lines: the terminal has no room for more
    progress_end(&progress);
    capture_end(&capture);
}

static void test_plain(void **state)
{
    struct progress progress;
    struct progress_worker workers[2];
    (void)state;
    for (int i = 0; i < 2; i++) { // a file, a dumb terminal
        struct capture capture = capture_begin(i == 1, 80);
        setenv("TERM", i == 1 ? "dumb" : "xterm", 1);
        start(&progress, false, 10, 5, 1000);
        play(&progress, workers);
        progress_say(&progress, "grid%05d: %s", 12, "a message");
        workers[0].printed -= 31; // the next plain line is due
        progress_steps(&workers[0], 1, 2);
        progress_end(&progress);
        capture_read(&capture, text, sizeof(text));
        capture_end(&capture);
        assert_null(strchr(text, '\033'));
        assert_ptr_equal(strstr(text, "pack 1/5: resnet18 anat area, 4 slots"), text);
        assert_non_null(strstr(text, "\npack 2/5: resnet34 all ring, 2 slots"));
        assert_non_null(strstr(text, "\ngrid00012: a message"));
        assert_non_null(strstr(text,
                               "\ncells 1/10, 2 running, 1 failed, pack 1/5  50%, round 1/3 "
                               "epoch 4/10, "));
        assert_non_null(strstr(text, "left: resnet18 anat area, 4 slots"));
    }
}

static double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void test_json(void **state)
{
    struct progress progress;
    struct progress_worker workers[2];
    struct capture capture = capture_begin(true, 80);
    (void)state;
    start(&progress, true, 10, 5, 1000);
    cJSON *json = progress_json(&progress);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "samples_per_second")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "seconds_left")));
    assert_true(number(json, "work") == 1000 && number(json, "work_done") == 0);
    cJSON_Delete(json);

    play(&progress, workers);
    json = progress_json(&progress);
    assert_true(number(json, "work_done") == 300);
    assert_true(number(json, "samples_per_second") > 0);
    // 50 of the work took 0.112 s after the first step, 700 are left.
    assert_float_equal(number(json, "seconds_left"), 0.112 * 700 / 50, 1e-6);
    assert_true(number(json, "updated") >= number(json, "started"));
    cJSON *packs = cJSON_GetObjectItem(json, "packs"), *pack = cJSON_GetArrayItem(packs, 0);
    assert_int_equal(cJSON_GetArraySize(packs), 2);
    assert_string_equal(cJSON_GetObjectItem(pack, "device")->valuestring, "GPU one");
    assert_true(number(pack, "round") == 1 && number(pack, "epochs") == 10);
    assert_true(number(pack, "fraction") == 0.25);
    cJSON_Delete(json);

    // 150 + 50 of 1000 were measured, 300 are done: the pace does not count what was done earlier.
    assert_true(progress.work_measured == 200);
    progress_pack(&workers[0], "again", 600, 150); // its device was lost
    progress_steps(&workers[0], 1, 2);
    assert_true(progress.work_measured == 350);
    progress_pack_done(&workers[0]);
    progress_pack_done(&workers[1]);
    progress_leave(&workers[1]);
    json = progress_json(&progress);
    assert_true(number(json, "work_done") == 800);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "packs")), 0);
    cJSON_Delete(json);
    progress_end(&progress);
    capture_read(&capture, text, sizeof(text));
    capture_end(&capture);
    assert_string_equal(text, ""); // quiet
}

// A search that goes on: what was done before is in percent and cells, and not in the pace.
static void test_earlier(void **state)
{
    static const int cells[4] = {[PROGRESS_DONE] = 3, [PROGRESS_PRUNED] = 1};
    struct progress progress;
    struct progress_worker worker;
    (void)state;
    start(&progress, true, 2, 2, 200); // two cells of two runs
    progress_earlier(&progress, cells, 400);
    progress_resumed(&progress, 50, 25); // one is over, of the other one's half is done
    assert_int_equal(progress.cells, 6);
    assert_int_equal(progress.cell_counts[PROGRESS_DONE], 3);
    assert_true(progress_work_done(&progress) == 475);
    assert_true(progress_seconds_left(&progress, now) < 0);
    progress_join(&progress, &worker, "GPU");
    progress_pack(&worker, "goes on", 50, 25);
    assert_true(progress_work_done(&progress) == 475);
    now += 3; // before its first step
    progress_steps(&worker, 5, 10);
    now += 10; // 5 of 50 in 10 s: 120 are left, and another pack
    progress_steps(&worker, 6, 10);
    assert_true(progress_work_done(&progress) == 480);
    assert_float_equal(progress_seconds_left(&progress, now), 240 + 3, 1e-9);
    progress_steps(&worker, 10, 10);
    progress_pack_done(&worker);
    assert_true(progress_work_done(&progress) == 500);
    progress_pack(&worker, "another", 100, 0);
    progress_steps(&worker, 1, 1);
    progress_pack_done(&worker);
    assert_true(progress_work_done(&progress) == 600);
    progress_leave(&worker);
    progress_end(&progress);
}

// The work of the last half of the time counts, and a minute at least.
static void test_pace(void **state)
{
    struct pace pace = {0};
    double work = 0;
    (void)state;
    assert_true(pace_value(&pace, 5, 0) == 0);
    for (int time = 0; time <= 40; time++, work += 3)
        pace_add(&pace, time, work);
    assert_float_equal(pace_value(&pace, 40, 120), 3, 1e-9);
    for (int time = 41; time <= 50; time++, work += 1)
        pace_add(&pace, time, work);
    assert_float_equal(pace_value(&pace, 50, 133), 133.0 / 50, 1e-9);
    // Ten times as slow from 1,000 s on: by 4,000 s nothing of what was before counts.
    for (int time = 51; time < 1000; time++, work += 3)
        pace_add(&pace, time, work);
    for (int time = 1000; time <= 4000; time++, work += 0.3)
        pace_add(&pace, time, work);
    assert_float_equal(pace_value(&pace, 4000, work - 0.3), 0.3, 1e-9);
    assert_in_range(pace.count, PACE_POINTS / 2, PACE_POINTS);
}

#define THREADS 4
#define PACKS 20
#define STEPS 50

static void *work(void *context)
{
    struct progress *progress = context;
    struct progress_worker worker;
    progress_join(progress, &worker, "GPU");
    for (int i = 0; i < PACKS; i++) {
        progress_pack(&worker, "a pack", 1, 0);
        progress_cell(progress, PROGRESS_RUNNING);
        for (int j = 1; j <= STEPS; j++) {
            progress_place(&worker, 1, 1, j, STEPS);
            progress_samples(&worker, 3);
            progress_steps(&worker, j, STEPS);
        }
        progress_pack_done(&worker);
        progress_cell(progress, PROGRESS_DONE);
        progress_best(progress, i % 2 ? "a" : "b", i, 0.5, 0.5, "Dice 0.5");
        progress_say(progress, "pack");
        cJSON_Delete(progress_json(progress));
    }
    progress_leave(&worker);
    return NULL;
}

static void test_threads(void **state)
{
    static struct screen screen;
    struct progress progress;
    pthread_t threads[THREADS];
    struct capture capture = capture_begin(true, 80);
    (void)state;
    start(&progress, false, THREADS * PACKS, THREADS * PACKS, THREADS * PACKS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, &progress);
    // A pseudo-terminal holds little: it is read while they write.
    for (int i = 0; i < THREADS; i++) {
        while (pthread_tryjoin_np(threads[i], NULL) != 0) {
            capture_read(&capture, text, sizeof(text));
            show(&screen, text);
        }
    }
    assert_int_equal(progress.cell_counts[PROGRESS_DONE], THREADS * PACKS);
    assert_int_equal(progress.cell_counts[PROGRESS_RUNNING], 0);
    assert_true(progress.work_done == THREADS * PACKS);
    assert_null(progress.workers);
    assert_int_equal(progress.best_count, 2);
    progress_end(&progress);
    capture_read(&capture, text, sizeof(text));
    show(&screen, text);
    capture_end(&capture);
    for (int i = 0; i < THREADS * PACKS; i++)
        assert_string_equal(screen.lines[i], "pack");
    assert_string_equal(screen.lines[THREADS * PACKS], "");
}

static void test_text(void **state)
{
    char bad[] = "a\nb\033\x7f\xc3\xa9\xc2\x9b\xff\xe2\x82", duration[DURATION_TEXT];
    (void)state;
    assert_string_equal(text_clean(bad), "a?b??\xc3\xa9?\?\?\?\?");
    assert_int_equal(text_columns(ACCENT_BOLD "\xc3\xa9t\xc3\xa9" ACCENT_END), 3);
    assert_string_equal(duration_text(-5, duration), "0 s");
    assert_string_equal(duration_text(89, duration), "89 s");
    assert_string_equal(duration_text(90, duration), "2 min");
    assert_string_equal(duration_text(3900, duration), "1 h 05 min");
    assert_string_equal(duration_text(300 * 3600, duration), "12 days 12 h");
    assert_string_equal(duration_text(1e300, duration), "years");
    assert_string_equal(duration_text(0.0 / 0.0, duration), "years");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_live, set_up),  cmocka_unit_test_setup(test_drawings, set_up),
        cmocka_unit_test_setup(test_width, set_up), cmocka_unit_test_setup(test_plain, set_up),
        cmocka_unit_test_setup(test_json, set_up),  cmocka_unit_test_setup(test_threads, set_up),
        cmocka_unit_test_setup(test_text, set_up),  cmocka_unit_test_setup(test_earlier, set_up),
        cmocka_unit_test_setup(test_pace, set_up),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
