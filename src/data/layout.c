// SPDX-License-Identifier: MIT
#include "vkgrid/data/layout.h"

#include "data/layout_words.h"
#include "data/nnunet.h"
#include "data/pairs.h"
#include "data/stems.h"
#include "data/tree.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define SOURCES_MOST 255 // a grid takes no more
#define RANKS 32
#define SHARED_LEAST 2 // samples that two sources have

// What the parts of a path are, from the first on: F a feature or label, S a part of the sample's
// name, G both ("train_images"); at the end s the (rest of the) sample's name, f a feature or
// label, p a pair's: both ("x_mask").
static const char *const ways[] = {"Gs", "Fs", "Sf", "p", "Fp", "Sp", "SFs", "FSs", "SSf", NULL};

struct finding {
    const struct tree *tree;
    const char *way;
    struct stems *stems;
    struct pairs pairs;              // of a way that ends with p
    const char *only;                // folder of all pairs
    const char *splits[SPLIT_WORDS]; // parts that stand for training, validation, test; NULL: none
};

static int part_of(const char *path, int part, const char **text)
{
    for (; part > 0; part--)
        path = strchr(path, '/') + 1;
    *text = path;
    return (int)strcspn(path, "/");
}

// Notes which half the samples of a folder are of: the first of a path says it, further ones are
// cases.
static void note_split(struct finding *finding, const char *part, int size)
{
    const int split = layout_split(part, size);
    if (split >= 0 && !finding->splits[split])
        finding->splits[split] = part;
}

// The part of a file's name that is a feature's: the case's own name in it is the sample's.
static char *without_case(const char *file, const char *part, int size)
{
    const size_t rest = strlen(file);
    if (rest >= (size_t)size && memcmp(file, part, (size_t)size) == 0 &&
        !layout_is_word_byte(file[size]))
        return text_format("{}%s", file + size);
    if (rest > (size_t)size && memcmp(file + rest - size, part, (size_t)size) == 0 &&
        !layout_is_word_byte(file[rest - (size_t)size - 1]))
        return text_format("%.*s{}", (int)rest - size, file);
    return text_copy(file);
}

struct taken {
    struct text files, sample, name; // of one path
    bool skipped;                    // of no source
    int lead;                        // bytes of the sample's name that folders say
    bool open;                       // the file's name is the rest, which may be cut
};

static void add_part(struct text *text, const char *before, const char *part, int size)
{
    text_add(text, "%s%.*s", text->bytes && text->size > 0 ? before : "", size, part);
}

static bool says_what(const char *part, int size)
{
    char *name = text_format("%.*s", size, part);
    const bool says = layout_is_label(name) || layout_is_image(name);
    free(name);
    return says;
}

static bool take_folder(struct finding *finding, char role, const char *part, int size,
                        struct taken *taken)
{
    int split = 0;
    switch (role) {
    case 'F':
        if (finding->way[1] == 'p') { // of several folders with pairs each is a part of a name
            if (finding->only && strncmp(finding->only, part, (size_t)size + 1) != 0)
                return false;
            finding->only = part;
        }
        add_part(&taken->files, "/", part, size);
        add_part(&taken->name, "_", part, size);
        return true;
    case 'G':
        split = layout_split_prefix(part, size);
        if (split == 0)
            return false;
        text_add(&taken->files, "{}%.*s", size - split, part + split);
        add_part(&taken->name, "_", part + split + 1, size - split - 1);
        break;
    default:
        if (says_what(part, size)) // no case is called masks
            return false;
        split = size;
        add_part(&taken->files, "/", "{}", 2);
        break;
    }
    if (taken->sample.size == 0)
        note_split(finding, part, split);
    add_part(&taken->sample, "_", part, split);
    return true;
}

static bool take_file(const struct finding *finding, const char *path, char role, const char *file,
                      struct taken *taken)
{
    if (role == 's') {
        add_part(&taken->sample, "_", file, (int)strlen(file));
        taken->lead = (int)(taken->sample.size - strlen(file));
        taken->open = true;
        return true;
    }
    if (role == 'p') {
        struct pair pair;
        if (!pairs_split(&finding->pairs, path, &pair)) {
            taken->skipped = true;
            return true;
        }
        text_add(&taken->files, "%s%.*s{}%s", taken->files.bytes ? "/" : "", pair.from, file,
                 file + pair.to);
        add_part(&taken->sample, "_", file + pair.from, pair.to - pair.from);
        add_part(&taken->name, "_", pair.label ? "mask" : "image", pair.label ? 4 : 5);
        return true;
    }
    const char *part;
    const int parts = (int)strlen(finding->way), size = part_of(path, parts - 2, &part);
    char *feature = without_case(file, part, size);
    const char *name = strncmp(feature, "{}", 2) == 0 ? feature + 2 : feature;
    name += strspn(name, "_-. ");
    text_add(&taken->files, "/%s", feature);
    add_part(&taken->name, "_", *name ? name : "image", (int)strcspn(*name ? name : "image", "{"));
    free(feature);
    return true;
}

static bool take_path(struct finding *finding, const char *path)
{
    const int folders = (int)strlen(finding->way) - 1;
    struct taken taken = {0};
    const char *part;
    bool good = true;
    for (int i = 0; good && i < folders; i++) {
        const int size = part_of(path, i, &part);
        good = take_folder(finding, finding->way[i], part, size, &taken);
    }
    part_of(path, folders, &part);
    good = good && take_file(finding, path, finding->way[folders], part, &taken);
    if (good && !taken.skipped)
        good = stems_add(finding->stems,
                         &(struct stem_file){.name = taken.name.bytes ? taken.name.bytes : "image",
                                             .files = taken.files.bytes ? taken.files.bytes : "",
                                             .sample = taken.sample.bytes,
                                             .lead = taken.lead,
                                             .open = taken.open},
                         SOURCES_MOST);
    free(taken.files.bytes);
    free(taken.sample.bytes);
    free(taken.name.bytes);
    return good;
}

// The samples of a folder as train/ begin with its name.
static void put_splits(const struct finding *finding, struct layout *layout)
{
    char **const texts[SPLIT_WORDS] = {&layout->training, &layout->validation, &layout->test};
    const bool several = finding->splits[0] && (finding->splits[1] || finding->splits[2]);
    for (int i = 0; several && i < SPLIT_WORDS; i++) {
        if (!finding->splits[i])
            continue;
        const char *part = finding->splits[i];
        int size = (int)strcspn(part, "/");
        const int prefix = layout_split_prefix(part, size);
        *texts[i] = text_format("%.*s_", layout_split(part, size) < 0 ? prefix : size, part);
    }
}

static void put_sources(const struct stems *stems, bool pairs, struct layout *layout)
{
    bool label = false, image = false;
    for (int i = 0; i < stems->count; i++) {
        layout_add(layout, text_copy(stems->sources[i].name), stems_files(&stems->sources[i]));
        label |= layout->sources[i].label;
        image |= layout->sources[i].image;
    }
    layout->rank = 2 * label + (image && !pairs);
}

// False where the paths do not lie so.
static bool find(const struct tree *tree, const char *way, bool anyhow, struct layout *layout)
{
    const int parts = (int)strlen(way);
    struct stems stems = {0};
    struct finding finding = {.tree = tree, .way = way, .stems = &stems};
    bool good = true;
    *layout = (struct layout){.ignored = -1};
    if (way[parts - 1] == 'p')
        pairs_open(tree, parts, &finding.pairs);
    for (int i = 0; good && i < tree->count; i++)
        if (tree->parts[i] == parts)
            good = take_path(&finding, tree->paths[i]);
    if (good && stems.count > 1)
        good = stems_match(&stems) >= SHARED_LEAST || anyhow;
    else
        good = good && anyhow && stems.count > 0;
    if (good) {
        put_sources(&stems, way[parts - 1] == 'p', layout);
        put_splits(&finding, layout);
    }
    pairs_close(&finding.pairs);
    stems_free(&stems);
    return good;
}

static int by_rank(const void *left, const void *right)
{
    const struct layout *a = left, *b = right;
    return b->rank - a->rank;
}

static bool refuse(const char *data, const struct tree *tree)
{
    return error_set(
        tree->count == 0
            ? "%s: no images there: none of its folders has images (" IMAGES_WANTED
            : "%s: none of its folders has images with a mask for each (" IMAGES_WANTED,
        data);
}

bool layouts_find(const char *data, struct layout layouts[LAYOUTS_MOST], int *count)
{
    struct tree tree;
    bool found = false;
    *count = 0;
    if (!nnunet_find(data, &layouts[0], &found))
        return false;
    *count = found;
    if (found)
        return true;
    if (!tree_open(data, &tree))
        return false;
    for (int i = 0; ways[i] && *count < LAYOUTS_MOST; i++) {
        if (find(&tree, ways[i], false, &layouts[*count])) {
            struct layout *layout = &layouts[(*count)++];
            layout->rank = RANKS * layout->rank - i; // of equals the first
            // In folders of many slices, 7.png beside 7_mask.png, the number is no feature.
            if (strcmp(ways[i], "Sp") == 0 && *count > 1 && layout->count < layout[-1].count)
                layout->rank += RANKS / 2;
        }
    }
    if (*count == 0 && find(&tree, "Fs", true, &layouts[0]))
        *count = 1;
    qsort(layouts, (size_t)*count, sizeof(layouts[0]), by_rank);
    const bool any = *count > 0 || refuse(data, &tree);
    tree_close(&tree);
    return any;
}
