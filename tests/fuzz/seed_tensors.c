// SPDX-License-Identifier: MIT
#include "tests/fuzz/seeds.h"

#include "tests/formats/build.h"
#include "vkgrid/formats/tensors.h"

#include <stdio.h>

static const struct pickled_tensor tensor = {"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}};

// A checkpoint of protocol 4 in the format before PyTorch 1.6.
static void build_legacy(struct bytes *file)
{
    bytes_text(file,
               "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
               "\x80\x02M\xe9\x03.");
    bytes_add(file, "\x80\x02}X\x0d\0\0\0little_endian\x88s.", 24);
    bytes_add(file, "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\5epoch\x94K\3\x8c\5model}", 32);
    pickle_text(file, "x");
    pickle_tensor(file, &tensor);
    bytes_text(file,
               "su.\x80\x02]U\1"
               "0a.");
    bytes_add(file, "\6\0\0\0\0\0\0\0abcdefghijklmnopqrstuvwx", 32);
}

static void build_archive(struct bytes *file, int zip64)
{
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02}(");
    pickle_text(&pickle, "module.x");
    pickle_tensor(&pickle, &tensor);
    pickle_text(&pickle, "module.y");
    pickle_tensor(&pickle, &tensor);
    bytes_text(&pickle, "u.");
    const struct member members[] = {{"a/data.pkl", pickle.at, pickle.size},
                                     {"a/data/0", "abcdefghijklmnopqrstuvwx", 24}};
    build_zip(file, members, 2, zip64);
    bytes_free(&pickle);
}

// One tensor, as an image is saved.
static void build_single(struct bytes *file)
{
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02");
    pickle_tensor(&pickle, &tensor);
    bytes_text(&pickle, ".");
    const struct member members[] = {{"a/data.pkl", pickle.at, pickle.size},
                                     {"a/data/0", "abcdefghijklmnopqrstuvwx", 24}};
    build_zip(file, members, 2, 0);
    bytes_free(&pickle);
}

// The network of weights.c, with the names of a larger one.
static struct tensors small_network(const char *prefix)
{
    const int64_t dims[] = {2, 1, 1, 1};
    struct tensors tensors = {0};
    char name[100];
    snprintf(name, sizeof(name), "%slayer0.0.weight", prefix);
    tensors_add(&tensors, name, TENSOR_FLOAT, 4, dims);
    snprintf(name, sizeof(name), "%slayer0.1.running_mean", prefix);
    tensors_add(&tensors, name, TENSOR_FLOAT, 1, dims);
    snprintf(name, sizeof(name), "%slayer0.1.num_batches_tracked", prefix);
    tensors_add(&tensors, name, TENSOR_INT, 0, NULL);
    return tensors;
}

static void seed_networks(void)
{
    static const char *const metadata[] = {
        "options",    "{\"base_model\": \"resnet18\", \"features\": {}}",
        "statistics", "{\"t1\": {\"min\": 0, \"max\": 1, \"mean\": 0.5, \"sd\": 0.2}}",
        "flatten",    "{\"radius\": 1.5, \"rows\": 32}",
        NULL};
    static const char *const prefixes[] = {"", "module.", "encoder."};
    for (int i = 0; i < 3; i++) {
        struct tensors tensors = small_network(prefixes[i]);
        char name[40];
        snprintf(name, sizeof(name), "%d.safetensors", i);
        seed_need(safetensors_write(seed_path("weights", name), &tensors, NULL) &&
                      safetensors_write(seed_path("safetensors", name), &tensors, metadata),
                  name);
        snprintf(name, sizeof(name), "%d.pt", i);
        seed_need(torch_write(seed_path("weights", name), &tensors) &&
                      torch_write(seed_path("torch", name), &tensors),
                  name);
        tensors_free(&tensors);
    }
}

void seed_tensors(void)
{
    static const char *const readers[] = {"torch", "weights"};
    struct bytes file = {0};
    for (int i = 0; i < 2; i++) {
        build_legacy(&file);
        seed_take(readers[i], "legacy.pt", &file);
        build_archive(&file, 0);
        seed_take(readers[i], "archive.pt", &file);
        build_archive(&file, 1);
        seed_take(readers[i], "zip64.pt", &file);
        build_single(&file);
        seed_take(readers[i], "single.pt", &file);
    }
    build_safetensors(&file,
                      "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F16\",\"shape\":[2,2],"
                      "\"data_offsets\":[0,8]},"
                      "\"y\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[8,12]}}",
                      "abcdefghijkl", 12);
    seed_take("safetensors", "types.safetensors", &file);
    seed_networks();
}
