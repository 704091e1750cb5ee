// SPDX-License-Identifier: MIT
// Words in the names of files and folders.
#pragma once

#include "vkgrid/formats/image.h"

#include <stdbool.h>

#define IMAGES_WANTED \
    IMAGE_EXTENSIONS \
    "): a folder for each feature and label is wanted, as images/ and masks/ with files of one " \
    "name, or a folder for each case, x.png beside x_mask.png, nnU-Net's imagesTr/ and labelsTr/"

enum { SPLIT_TRAINING, SPLIT_VALIDATION, SPLIT_TEST, SPLIT_WORDS };

// Which of them a name is ("train", "val", ...), in any case; -1: none.
int layout_split(const char *name, int size);
// The same where the name goes on behind a separator ("train_images"): bytes of the word; 0: none.
int layout_split_prefix(const char *name, int size);

// A name of which a word says that labels, or images, are meant.
bool layout_is_label(const char *name);
bool layout_is_image(const char *name);

// Whether a pair's file is a label by its name's first or last word: where the rest of the name
// goes, without what separates it.
bool layout_label_affix(const char *name, int size, int *from, int *to);

bool layout_is_word_byte(char byte); // a letter or digit, of any script
