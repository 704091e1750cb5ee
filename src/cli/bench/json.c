// SPDX-License-Identifier: MIT
// What `vkgrid bench --json` prints. What the engine cannot tell is left out.
#include "cli/bench/bench.h"
#include "cli/commands.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static void add_known(cJSON *json, const char *name, double value)
{
    if (value > 0)
        cJSON_AddNumberToObject(json, name, value);
}

static cJSON *routine_json(double seconds, double work, double samples)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddNumberToObject(json, "samples_per_second", samples / seconds);
    cJSON_AddNumberToObject(json, "gflops", work / seconds * 1e-9);
    return json;
}

static cJSON *curve_json(const struct bench *bench)
{
    cJSON *curve = cJSON_CreateArray();
    for (int i = 0; i < bench->point_count; i++) {
        const struct point *p = &bench->curve[i];
        cJSON *point = cJSON_CreateObject();
        cJSON_AddNumberToObject(point, "batch_size", p->batch_size);
        cJSON_AddNumberToObject(point, "slots", p->slots);
        cJSON_AddNumberToObject(point, "device_bytes", (double)p->memory);
        cJSON_AddNumberToObject(point, "seconds", p->seconds);
        cJSON_AddNumberToObject(point, "samples_per_second", point_rate(p));
        cJSON_AddItemToArray(curve, point);
    }
    return curve;
}

static cJSON *peaks_json(const struct engine_peaks *peaks)
{
    cJSON *json = cJSON_CreateObject();
    add_known(json, "fp32_flops", peaks->flops);
    add_known(json, "fp16_flops", peaks->half_flops);
    add_known(json, "matrix_flops", peaks->matrix_flops);
    add_known(json, "memory_bytes_per_second", peaks->bytes);
    return json;
}

// GFLOP/s of each pass, and its share of the peak.
static cJSON *layer_json(const struct bench *bench, const struct layer *layer)
{
    cJSON *json = cJSON_CreateObject();
    const int sizes[] = {layer->rows,   layer->cols,   layer->in,   layer->out,
                         layer->kernel, layer->stride, layer->count};
    static const char *const names[] = {"rows", "cols", "in", "out", "kernel", "stride", "count"};
    const double peak = bench_peak(bench);
    for (int s = 0; s < (int)(sizeof(sizes) / sizeof(sizes[0])); s++)
        cJSON_AddNumberToObject(json, names[s], sizes[s]);
    cJSON_AddNumberToObject(json, "gflop", layer->work * 1e-9);
    for (int pass = 0; pass < PASS_COUNT; pass++) {
        char share[32];
        snprintf(share, sizeof(share), "%s_share", pass_names[pass]);
        cJSON_AddNumberToObject(json, pass_names[pass], layer->rates[pass] * 1e-9);
        add_known(json, share, peak > 0 ? layer->rates[pass] / peak : 0);
    }
    return json;
}

static void add_setting(cJSON *json, const struct bench *bench)
{
    const struct device_info *device = engine_device(bench->engine);
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "kind", device_kind_name(device->kind));
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "base_model", base_model_name(bench->shape.base_model));
    cJSON_AddStringToObject(json, "precision", precision_name(bench->shape.precision));
    cJSON_AddNumberToObject(json, "rows", bench->shape.rows);
    cJSON_AddNumberToObject(json, "cols", bench->shape.cols);
    cJSON_AddNumberToObject(json, "batch_size", bench->shape.batch_size);
    cJSON_AddNumberToObject(json, "slots", bench->slots);
}

void bench_print_json(const struct bench *bench)
{
    const double samples = (double)bench->shape.batch_size * bench->slots;
    cJSON *json = cJSON_CreateObject();
    add_setting(json, bench);
    if (bench->peaks.flops > 0 || bench->peaks.bytes > 0)
        cJSON_AddItemToObject(json, "peaks", peaks_json(&bench->peaks));
    cJSON *layers = cJSON_AddArrayToObject(json, "layers");
    for (int i = 0; i < bench->layer_count; i++)
        cJSON_AddItemToArray(layers, layer_json(bench, &bench->layers[i]));
    cJSON_AddItemToObject(json, "training_step",
                          routine_json(bench->step_seconds, bench->step_work, samples));
    cJSON_AddItemToObject(json, "evaluation",
                          routine_json(bench->evaluation_seconds, bench->evaluation_work, samples));
    cJSON_AddNumberToObject(json, "device_bytes", (double)bench->memory);
    add_known(json, "slot_bytes", (double)bench->slot_memory);
    if (engine_device(bench->engine)->kind != DEVICE_CPU)
        cJSON_AddNumberToObject(json, "host_seconds_per_step", bench->host_seconds);
    if (bench->point_count > 0)
        cJSON_AddItemToObject(json, "curve", curve_json(bench));
    cJSON_AddNumberToObject(json, "first_step_seconds", bench->first_seconds);
    cJSON_AddNumberToObject(json, "peak_bytes", peak_host_bytes());
    cJSON *ops = cJSON_AddObjectToObject(json, "op_seconds");
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        add_known(ops, op_name((enum op_kind)kind), bench->op_seconds[kind]);
    command_print_json(json);
}
