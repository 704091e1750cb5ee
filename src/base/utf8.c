// SPDX-License-Identifier: MIT
#include "vkgrid/base/utf8.h"

#include "vkgrid/base/memory.h"

#include <stdbool.h>
#include <string.h>

int utf8_length(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    const int length = c[0] < 0x80   ? 1
                       : c[0] < 0xc2 ? 0
                       : c[0] < 0xe0 ? 2
                       : c[0] < 0xf0 ? 3
                       : c[0] < 0xf5 ? 4
                                     : 0;
    for (int i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    const bool surrogate = c[0] == 0xed && c[1] > 0x9f;
    const bool too_high = c[0] == 0xf4 && c[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : length;
}

char *utf8_copy(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd"; // U+FFFD
    char *copy = mem_alloc(3 * strlen(text) + 1), *end = copy;
    while (*text) {
        const int length = utf8_length(text);
        end = mempcpy(end, length ? text : replacement, length ? (size_t)length : 3);
        text += length ? length : 1;
    }
    *end = '\0';
    return copy;
}
