// SPDX-License-Identifier: MIT
#include "vkgrid/base/nearest.h"

#include <string.h>

#define LONGEST 63

static int least(int a, int b)
{
    return a < b ? a : b;
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours that turn a
// into b.
static int edits(const char *a, const char *b)
{
    const int m = (int)strlen(a), n = (int)strlen(b);
    int table[LONGEST + 1][LONGEST + 1];
    if (m > LONGEST || n > LONGEST)
        return LONGEST;
    for (int i = 0; i <= m; i++) {
        for (int j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            const int replaced = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            table[i][j] = least(replaced, 1 + least(table[i - 1][j], table[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                table[i][j] = least(table[i][j], 1 + table[i - 2][j - 2]);
        }
    }
    return table[m][n];
}

const char *nearest_name(const char *typed, const char *const *names)
{
    // A third of the letters may be wrong: "lrr" is lr, "foo" is nothing.
    const char *best = NULL;
    int fewest = least(3, 1 + (int)(strlen(typed) / 3)) + 1;
    for (; *names; names++) {
        const int distance = edits(typed, *names);
        if (distance < fewest && distance < (int)strlen(*names)) {
            fewest = distance;
            best = *names;
        }
    }
    return best;
}
