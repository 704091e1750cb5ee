// SPDX-License-Identifier: MIT
// Text for people: what of it a terminal may be shown, and a block of lines that is redrawn
// in place.
//
// Accents stand in a text as marks, which become colours or nothing when it is written. Text from
// elsewhere (names, messages, a file) goes through text_clean() first, so that it can hold neither
// marks nor escape codes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ACCENT_BOLD "\001"
#define ACCENT_BAD "\002"
#define ACCENT_GOOD "\003"
#define ACCENT_END "\004"

// A terminal that knows escape codes: not a dumb one.
bool terminal_live(int fd);
// The same, and NO_COLOR is unset or empty.
bool terminal_colour(int fd);

// Replaces control characters (line ends too) and what is no UTF-8 by '?'. Returns the text.
char *text_clean(char *text);

// Columns of a clean text: its characters without accents.
int text_columns(const char *text);

// Writes the text with its accents, as fd allows.
void terminal_write(int fd, const char *text);

// "12 days 4 h", "1 h 05 min", "12 min", "40 s".
#define DURATION_TEXT 32
const char *duration_text(double seconds, char text[static DURATION_TEXT]);

#define LIVE_LINES 64

// Zero-initialise with the fd of a live terminal. The cursor rests on the line below the block, so
// that whatever ends the process leaves the terminal usable.
struct live_lines {
    int fd;
    int count;               // lines that stand there
    int columns[LIVE_LINES]; // of each
};

// Replaces the block by the lines of `text` (each ends with a newline), cut to the terminal's size,
// in one write. `above`, a text without accents or NULL, scrolls up and stays.
void live_draw(struct live_lines *lines, const char *above, const char *text);
void live_erase(struct live_lines *lines);
