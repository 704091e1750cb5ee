// SPDX-License-Identifier: MIT
#include "data/layout_words.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const labels[] = {"mask",
                                     "masks",
                                     "label",
                                     "labels",
                                     "labelmap",
                                     "segmentation",
                                     "segmentations",
                                     "seg",
                                     "annotation",
                                     "annotations",
                                     "gt",
                                     "groundtruth",
                                     "target",
                                     "targets",
                                     "labelstr",
                                     "labelsts",
                                     "manual",
                                     "segmentationclass",
                                     NULL};
static const char *const images[] = {"image",    "images",     "img",      "imgs",
                                     "photo",    "photos",     "imagestr", "imagests",
                                     "original", "jpegimages", NULL};
static const char *const splits[SPLIT_WORDS][5] = {{"train", "training", "tr", NULL},
                                                   {"val", "valid", "validation", "dev", NULL},
                                                   {"test", "testing", "ts", NULL}};

bool layout_is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || (unsigned char)byte >= 0x80;
}

static bool is_among(const char *word, int size, const char *const *words)
{
    for (; *words; words++)
        if ((int)strlen(*words) == size && strncasecmp(word, *words, (size_t)size) == 0)
            return true;
    return false;
}

// Letters alone: "masks2" says masks.
static bool has_word(const char *name, const char *const *words)
{
    while (*name) {
        int size = 0;
        while (isalpha((unsigned char)name[size]))
            size++;
        if (size > 0 && is_among(name, size, words))
            return true;
        name += size > 0 ? size : 1;
    }
    return false;
}

bool layout_is_label(const char *name)
{
    return has_word(name, labels);
}

bool layout_is_image(const char *name)
{
    return has_word(name, images);
}

int layout_split(const char *name, int size)
{
    for (int i = 0; i < SPLIT_WORDS; i++)
        if (is_among(name, size, splits[i]))
            return i;
    return -1;
}

int layout_split_prefix(const char *name, int size)
{
    int word = 0;
    while (word < size && layout_is_word_byte(name[word]))
        word++;
    return word > 0 && word + 1 < size && layout_split(name, word) >= 0 ? word : 0;
}

bool layout_label_affix(const char *name, int size, int *from, int *to)
{
    int word = size;
    *from = 0;
    while (word > 0 && layout_is_word_byte(name[word - 1]))
        word--;
    *to = word - 1; // what separates them is the label's
    if (word > 1 && is_among(name + word, size - word, labels))
        return true;
    word = 0;
    while (word < size && layout_is_word_byte(name[word]))
        word++;
    *from = word + 1;
    *to = size;
    return word + 1 < size && is_among(name, word, labels);
}
