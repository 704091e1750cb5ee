// SPDX-License-Identifier: MIT
#include "vkgrid/base/terminal.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_live(int fd)
{
    const char *terminal = getenv("TERM");
    return terminal && *terminal && strcmp(terminal, "dumb") != 0 && isatty(fd);
}

bool terminal_colour(int fd)
{
    const char *none = getenv("NO_COLOR");
    return terminal_live(fd) && !(none && *none);
}

// Bytes of the printable character at `text`; 0 when it is a control character or no UTF-8.
static int character_bytes(const char *text)
{
    const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    const bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
    return control ? 0 : utf8_length(text);
}

char *text_clean(char *text)
{
    for (char *p = text; *p;) {
        const int bytes = character_bytes(p);
        if (bytes == 0)
            *p = '?';
        p += bytes > 0 ? bytes : 1;
    }
    return text;
}

static bool is_accent(char c)
{
    return c >= ACCENT_BOLD[0] && c <= ACCENT_END[0];
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

int text_columns(const char *text)
{
    int columns = 0;
    for (const char *p = text; *p; p++)
        columns += !is_accent(*p) && !is_continuation(*p);
    return columns;
}

static const char *accent_code(char accent)
{
    static const char *const codes[] = {"\033[1m", "\033[31m", "\033[32m", "\033[0m"};
    return codes[accent - ACCENT_BOLD[0]];
}

// Adds the text up to a newline, at most `most` columns of it. Returns how many they are.
static int add_line(struct text *frame, const char *line, int most, bool colour)
{
    const char *begin = line, *p = line; // between them: not added yet
    int columns = 0;
    for (; *p && *p != '\n'; p++) {
        if (is_accent(*p)) {
            text_add(frame, "%.*s%s", (int)(p - begin), begin, colour ? accent_code(*p) : "");
            begin = p + 1;
        } else if (!is_continuation(*p) && ++columns > most) {
            columns = most;
            break;
        }
    }
    text_add(frame, "%.*s%s", (int)(p - begin), begin,
             colour && columns == most ? accent_code(ACCENT_END[0]) : "");
    return columns;
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; // nobody reads it
        bytes += written;
        size -= (size_t)written;
    }
}

void terminal_write(int fd, const char *text)
{
    struct text frame = {0};
    const bool colour = terminal_colour(fd);
    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        add_line(&frame, line, 1 << 20, colour);
        if (*end)
            text_add(&frame, "\n");
        line = end + (*end != 0);
    }
    if (frame.bytes)
        write_all(fd, frame.bytes, frame.size);
    free(frame.bytes);
}

const char *duration_text(double seconds, char text[static DURATION_TEXT])
{
    if (!(seconds < 8640000000)) // a hundred thousand days
        snprintf(text, DURATION_TEXT, "years");
    else if (seconds >= 72 * 3600)
        snprintf(text, DURATION_TEXT, "%d days %d h", (int)(seconds / 86400),
                 (int)(seconds / 3600) % 24);
    else if (seconds >= 3600)
        snprintf(text, DURATION_TEXT, "%d h %02d min", (int)(seconds / 3600),
                 (int)(seconds / 60) % 60);
    else if (seconds >= 90)
        snprintf(text, DURATION_TEXT, "%d min", (int)(seconds / 60 + 0.5));
    else
        snprintf(text, DURATION_TEXT, "%d s", (int)(fmax(seconds, 0) + 0.5));
    return text;
}

static struct winsize terminal_size(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return (struct winsize){.ws_col = 80, .ws_row = 24};
    return size;
}

// To the first line of the block. A terminal that became narrower has wrapped its lines.
static void add_return(struct text *frame, const struct live_lines *lines, int width)
{
    int up = 0;
    for (int i = 0; i < lines->count; i++)
        up += lines->columns[i] > width ? (lines->columns[i] + width - 1) / width : 1;
    text_add(frame, "\r");
    if (up > 0)
        text_add(frame, "\033[%dA", up);
}

void live_draw(struct live_lines *lines, const char *above, const char *text)
{
    const struct winsize size = terminal_size(lines->fd);
    const bool colour = terminal_colour(lines->fd);
    const int room = size.ws_row - 1 < LIVE_LINES ? size.ws_row - 1 : LIVE_LINES;
    struct text frame = {0};
    add_return(&frame, lines, size.ws_col);
    if (above)
        text_add(&frame, "%s\033[K\n", above);
    text_add(&frame, "\033[?7l"); // no wrapping: a character may take two columns
    lines->count = 0;
    for (const char *line = text; *line && lines->count < room;) {
        const char *end = strchrnul(line, '\n');
        lines->columns[lines->count++] = add_line(&frame, line, size.ws_col - 1, colour);
        text_add(&frame, "\033[K\n");
        line = end + (*end != 0);
    }
    text_add(&frame, "\033[?7h\033[J");
    write_all(lines->fd, frame.bytes, frame.size);
    free(frame.bytes);
}

void live_erase(struct live_lines *lines)
{
    struct text frame = {0};
    if (lines->count == 0)
        return;
    add_return(&frame, lines, terminal_size(lines->fd).ws_col);
    text_add(&frame, "\033[J");
    write_all(lines->fd, frame.bytes, frame.size);
    lines->count = 0;
    free(frame.bytes);
}
