// SPDX-License-Identifier: MIT
// What torch.save writes: a zip file with <archive>/data.pkl, a pickle that describes the tensors,
// and a member <archive>/data/<key> for each storage. Source: torch/serialization.py, PyTorch 1.6
// and later.
#include "vkgrid/formats/tensors.h"

#include "formats/axes.h"
#include "formats/bytes.h"
#include "formats/torch_state.h"
#include "formats/torch_tensor.h"
#include "formats/zip.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>

struct archive {
    struct zip zip;
    char name[256]; // the folder that all members are in
};

// <archive>/<folder><name>, or NULL without a message.
static const struct zip_member *find_member(const struct archive *archive, const char *folder,
                                            const char *name)
{
    char *path = text_format("%s/%s%s", archive->name, folder, name);
    const struct zip_member *member = zip_find(&archive->zip, path);
    free(path);
    return member;
}

static const uint8_t *find_storage(const void *storages, const char *key, size_t *size)
{
    const struct zip_member *member = find_member(storages, "data/", key);
    *size = member ? member->size : 0;
    return member ? member->bytes : NULL;
}

// All members are in one folder, named after the file when it was saved: the one that has data.pkl.
static bool find_archive_name(struct archive *archive)
{
    static const char wanted[] = "/data.pkl";
    const size_t tail = sizeof(wanted) - 1;
    for (size_t i = 0; i < archive->zip.count; i++) {
        const struct zip_member *member = &archive->zip.members[i];
        const size_t size = member->name_size < tail ? 0 : member->name_size - tail;
        if (size == 0 || size >= sizeof(archive->name) ||
            memcmp(member->name + size, wanted, tail) != 0 || memchr(member->name, '/', size))
            continue;
        memcpy(archive->name, member->name, size);
        archive->name[size] = 0;
        return true;
    }
    return error_set("zip file without data.pkl: not written by torch.save");
}

// PyTorch before 2.0 does not say, and is little-endian nearly everywhere.
static bool check_byte_order(const struct archive *archive)
{
    const struct zip_member *member = find_member(archive, "", "byteorder");
    return !member || (member->size == 6 && memcmp(member->bytes, "little", 6) == 0) ||
           error_set("not little-endian");
}

static bool open_archive(const uint8_t *bytes, size_t size, struct archive *archive,
                         struct torch_file *file)
{
    if (!zip_open(bytes, size, &archive->zip) || !find_archive_name(archive) ||
        !check_byte_order(archive))
        return false;
    const struct zip_member *member = find_member(archive, "", "data.pkl");
    file->storages = archive;
    file->find = find_storage;
    return pickle_parse(member->bytes, member->size, NULL, torch_allows, &file->pickle);
}

typedef bool take_tensors(struct torch_file *file, struct tensors *tensors, char **note);

static bool read_bytes(const uint8_t *bytes, size_t size, take_tensors *take,
                       struct tensors *tensors, char **note)
{
    struct archive archive = {0};
    const size_t views = TORCH_VIEWS + TORCH_VIEWS_OF_BYTE * size;
    struct torch_file file = {.most = views < ELEMENT_LIMIT ? views : ELEMENT_LIMIT};
    const bool legacy = torch_legacy_is(bytes, size);
    const bool read = (legacy ? torch_legacy_open(bytes, size, &file)
                              : open_archive(bytes, size, &archive, &file)) &&
                      take(&file, tensors, note);
    if (legacy)
        torch_legacy_close(&file);
    pickle_free(&file.pickle);
    zip_close(&archive.zip);
    return read;
}

static bool read_file(const char *path, take_tensors *take, struct tensors *tensors, char **note)
{
    void *bytes = NULL;
    size_t size;
    *tensors = (struct tensors){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, take, tensors, note);
    free(bytes);
    if (!read) {
        tensors_free(tensors);
        error_prefix("%s", path);
    }
    return read;
}

// One tensor, or a dict of nothing but tensors.
static bool take_all(struct torch_file *file, struct tensors *tensors, char **note)
{
    const uint32_t root = file->pickle.root;
    (void)note;
    return torch_dict(&file->pickle, root)
               ? torch_take_dict(file, root, true, tensors)
               : torch_tensor(file, root, "", tensors) || error_prefix("what is saved");
}

bool torch_read(const char *path, struct tensors *tensors)
{
    return read_file(path, take_all, tensors, NULL);
}

bool torch_read_state(const char *path, struct tensors *tensors, char **note)
{
    *note = NULL;
    return read_file(path, torch_take_state, tensors, note);
}

bool image_read_pt(const char *path, struct image *image)
{
    struct tensors tensors;
    *image = (struct image){0};
    if (!torch_read(path, &tensors))
        return false;
    const struct named_tensor *tensor = tensors_find(&tensors, "");
    if (!tensor)
        FAIL("%s: holds a dict of %d tensors, not one tensor", path, tensors.count);
    if (tensor->count == 0)
        FAIL("%s: a tensor without elements", path);
    struct axes axes = {.rank = tensor->rank};
    memcpy(axes.dims, tensor->dims, sizeof(axes.dims));
    axes_dense(&axes, false);
    CHECK(axes_image(&axes, tensor->type == TENSOR_FLOAT ? ELEMENT_F32 : ELEMENT_I64,
                     tensor->values, image) ||
          error_prefix("%s", path));
    tensors_free(&tensors);
    return true;
error:
    tensors_free(&tensors);
    return false;
}
