// SPDX-License-Identifier: MIT
#include "engine/cpu/onednn.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- the two versions ---------------------------------------------------------------------------

// Layouts are values in version 2 and handles in version 3; `layout_ref` is what calls take.
#if DNNL_VERSION_MAJOR < 3
typedef dnnl_memory_desc_t layout;
typedef const dnnl_memory_desc_t *layout_ref;

static layout_ref ref(const layout *l)
{
    return l;
}

static dnnl_status_t layout_create(layout *l, const dnnl_dims_t dims, int rank,
                                   dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(l, rank, dims, type, tag);
}

static void layout_destroy(layout *l)
{
    (void)l;
}

static dnnl_status_t append_relu(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
}
#else
typedef dnnl_memory_desc_t layout;
typedef const_dnnl_memory_desc_t layout_ref;

static layout_ref ref(const layout *l)
{
    return *l;
}

static dnnl_status_t layout_create(layout *l, const dnnl_dims_t dims, int rank,
                                   dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(l, rank, dims, type, tag);
}

static void layout_destroy(layout *l)
{
    if (*l)
        dnnl_memory_desc_destroy(*l);
}

static dnnl_status_t append_relu(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
}
#endif

// A convolution as oneDNN is asked for it: the layouts of what goes in and out.
struct request {
    dnnl_engine_t engine;
    enum convolution_kind kind;
    layout x, weight, bias, y;
    bool has_bias;
    dnnl_dims_t strides, pad;
    dnnl_primitive_attr_t attr;
};

// The primitive descriptor; hint: that of the forward convolution, which backward ones ask for.
#if DNNL_VERSION_MAJOR < 3
static dnnl_status_t describe(const struct request *r, const_dnnl_primitive_desc_t hint,
                              dnnl_primitive_desc_t *desc)
{
    dnnl_convolution_desc_t c;
    dnnl_status_t status;
    if (r->kind == CONVOLUTION_INPUT_GRAD)
        status = dnnl_convolution_backward_data_desc_init(
            &c, dnnl_convolution_direct, &r->x, &r->weight, &r->y, r->strides, r->pad, r->pad);
    else if (r->kind == CONVOLUTION_WEIGHT_GRAD)
        status = dnnl_convolution_backward_weights_desc_init(&c, dnnl_convolution_direct, &r->x,
                                                             &r->weight, NULL, &r->y, r->strides,
                                                             r->pad, r->pad);
    else
        status = dnnl_convolution_forward_desc_init(
            &c, dnnl_forward_training, dnnl_convolution_direct, &r->x, &r->weight,
            r->has_bias ? &r->bias : NULL, &r->y, r->strides, r->pad, r->pad);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(desc, &c, r->attr, r->engine, hint);
}
#else
static dnnl_status_t describe(const struct request *r, const_dnnl_primitive_desc_t hint,
                              dnnl_primitive_desc_t *desc)
{
    static const dnnl_dims_t dense = {0, 0};
    if (r->kind == CONVOLUTION_INPUT_GRAD)
        return dnnl_convolution_backward_data_primitive_desc_create(
            desc, r->engine, dnnl_convolution_direct, r->x, r->weight, r->y, r->strides, dense,
            r->pad, r->pad, hint, r->attr);
    if (r->kind == CONVOLUTION_WEIGHT_GRAD)
        return dnnl_convolution_backward_weights_primitive_desc_create(
            desc, r->engine, dnnl_convolution_direct, r->x, r->weight, NULL, r->y, r->strides,
            dense, r->pad, r->pad, hint, r->attr);
    return dnnl_convolution_forward_primitive_desc_create(
        desc, r->engine, dnnl_forward_training, dnnl_convolution_direct, r->x, r->weight,
        r->has_bias ? r->bias : NULL, r->y, r->strides, dense, r->pad, r->pad, r->attr);
}
#endif

// --- common to both -----------------------------------------------------------------------------

struct remembered {
    struct convolution_shape shape;
    struct convolution_sizes sizes;
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct remembered *sizes;
    int size_count;
};

struct convolution {
    struct onednn *onednn;
    enum convolution_kind kind;
    struct convolution_sizes sizes;
    dnnl_primitive_t primitive, packs, unpacks;
    dnnl_memory_t x, plain, packed, bias, y, scratchpad;
};

// A call of oneDNN: on failure names it and its result.
#define DNNL_CHECK(call) \
    do { \
        const dnnl_status_t status_ = (call); \
        if (status_ != dnnl_success) \
            FAIL("oneDNN: %.60s: %s", #call, dnnl_status2str(status_)); \
    } while (0)

void onednn_describe(char *version, size_t version_size, char *features, size_t features_size)
{
    const dnnl_version_t *v = dnnl_version();
    const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    static const struct {
        unsigned isa;
        const char *name;
    } known[] = {
        {dnnl_cpu_isa_avx512_core_amx, "AVX-512, bf16, AMX"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512, bf16"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_sse41, "SSE4.1"},
    };
    snprintf(version, version_size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    snprintf(features, features_size, "%s", "");
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !*features; i++)
        if ((isa & known[i].isa) == known[i].isa)
            snprintf(features, features_size, "%s", known[i].name);
}

bool onednn_create(struct onednn **out)
{
    struct onednn *onednn = mem_zalloc(1, sizeof *onednn);
    DNNL_CHECK(dnnl_engine_create(&onednn->engine, dnnl_cpu, 0));
    DNNL_CHECK(dnnl_stream_create(&onednn->stream, onednn->engine, dnnl_stream_default_flags));
    *out = onednn;
    return true;
error:
    onednn_destroy(&onednn);
    *out = NULL;
    return false;
}

void onednn_destroy(struct onednn **handle)
{
    struct onednn *onednn = *handle;
    *handle = NULL;
    if (!onednn)
        return;
    if (onednn->stream)
        dnnl_stream_destroy(onednn->stream);
    if (onednn->engine)
        dnnl_engine_destroy(onednn->engine);
    free(onednn->sizes);
    free(onednn);
}

static void request_destroy(struct request *r)
{
    layout_destroy(&r->x);
    layout_destroy(&r->weight);
    layout_destroy(&r->bias);
    layout_destroy(&r->y);
    if (r->attr)
        dnnl_primitive_attr_destroy(r->attr);
}

static dnnl_status_t set_attributes(struct request *r)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&r->attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(r->attr, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || r->kind != CONVOLUTION_FORWARD_RELU)
        return status;
    status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success)
        status = append_relu(ops);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(r->attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return status;
}

static bool request_create(struct onednn *onednn, const struct convolution_shape *s,
                           struct request *r)
{
    const int pad = s->kernel / 2;
    const int rows = (s->rows + 2 * pad - s->kernel) / s->stride + 1;
    const int cols = (s->cols + 2 * pad - s->kernel) / s->stride + 1;
    const dnnl_data_type_t type = s->bfloat16 ? dnnl_bf16 : dnnl_f32;
    const dnnl_data_type_t y_type = s->float_out ? dnnl_f32 : type;
    const dnnl_data_type_t weight_type = s->kind == CONVOLUTION_WEIGHT_GRAD ? dnnl_f32 : type;
    const dnnl_dims_t x = {s->n, s->in, s->rows, s->cols}, y = {s->n, s->out, rows, cols};
    const dnnl_dims_t weight = {s->out, s->in, s->kernel, s->kernel}, bias = {s->out};
    *r = (struct request){
        .engine = onednn->engine,
        .kind = s->kind,
        .has_bias = s->bias,
        .strides = {s->stride, s->stride},
        .pad = {pad, pad},
    };
    DNNL_CHECK(layout_create(&r->x, x, 4, type, dnnl_nhwc));
    DNNL_CHECK(layout_create(&r->weight, weight, 4, weight_type, dnnl_format_tag_any));
    DNNL_CHECK(layout_create(&r->bias, bias, 1, dnnl_f32, dnnl_x));
    DNNL_CHECK(layout_create(&r->y, y, 4, y_type, dnnl_nhwc));
    DNNL_CHECK(set_attributes(r));
    return true;
error:
    request_destroy(r);
    return false;
}

// Backward ones take the forward one as a hint.
static bool desc_create(struct onednn *onednn, const struct convolution_shape *shape,
                        dnnl_primitive_desc_t *desc)
{
    const bool backward =
        shape->kind == CONVOLUTION_INPUT_GRAD || shape->kind == CONVOLUTION_WEIGHT_GRAD;
    struct convolution_shape forward = *shape;
    struct request request;
    dnnl_primitive_desc_t hint = NULL;
    bool created = false;
    forward.kind = CONVOLUTION_FORWARD;
    *desc = NULL;
    if (!request_create(onednn, shape, &request))
        return false;
    CHECK(!backward || desc_create(onednn, &forward, &hint));
    DNNL_CHECK(describe(&request, hint, desc));
    created = true;
error:
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    request_destroy(&request);
    return created;
}

static layout_ref packed_layout(const_dnnl_primitive_desc_t desc, enum convolution_kind kind)
{
    return dnnl_primitive_desc_query_md(
        desc, kind == CONVOLUTION_WEIGHT_GRAD ? dnnl_query_diff_weights_md : dnnl_query_weights_md,
        0);
}

// oneDNN 2.6 writes past its scratchpad in bfloat16 weight gradients of 1x1 convolutions with a
// stride, where the channels that go in are no whole vector.
static size_t overrun(const struct convolution_shape *shape, size_t scratchpad)
{
    const bool overruns = shape->bfloat16 && shape->kind == CONVOLUTION_WEIGHT_GRAD &&
                          shape->kernel == 1 && shape->stride > 1 && shape->in % 16 != 0;
    return overruns ? scratchpad * 16 / (size_t)(shape->in % 16) + (64 << 10) : 0;
}

static struct convolution_sizes sizes_of(const_dnnl_primitive_desc_t desc,
                                         const struct convolution_shape *shape)
{
    const size_t scratchpad =
        dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0));
    return (struct convolution_sizes){
        .packed = dnnl_memory_desc_get_size(packed_layout(desc, shape->kind)),
        .scratchpad = scratchpad + overrun(shape, scratchpad),
    };
}

static bool same_shape(const struct convolution_shape *a, const struct convolution_shape *b)
{
    return a->kind == b->kind && a->n == b->n && a->rows == b->rows && a->cols == b->cols &&
           a->in == b->in && a->out == b->out && a->kernel == b->kernel && a->stride == b->stride &&
           a->bias == b->bias && a->bfloat16 == b->bfloat16 && a->float_out == b->float_out;
}

bool convolution_sizes(struct onednn *onednn, const struct convolution_shape *shape,
                       struct convolution_sizes *sizes)
{
    dnnl_primitive_desc_t desc;
    for (int i = 0; i < onednn->size_count; i++)
        if (same_shape(&onednn->sizes[i].shape, shape)) {
            *sizes = onednn->sizes[i].sizes;
            return true;
        }
    if (!desc_create(onednn, shape, &desc))
        return false;
    *sizes = sizes_of(desc, shape);
    dnnl_primitive_desc_destroy(desc);
    onednn->sizes =
        mem_grow(onednn->sizes, (size_t)onednn->size_count + 1, sizeof onednn->sizes[0]);
    onednn->sizes[onednn->size_count++] = (struct remembered){*shape, *sizes};
    return true;
}

static bool memory_create(struct onednn *onednn, layout_ref of, dnnl_memory_t *memory)
{
    DNNL_CHECK(dnnl_memory_create(memory, of, onednn->engine, DNNL_MEMORY_NONE));
    return true;
error:
    return false;
}

static bool reorder_create(struct onednn *onednn, layout_ref from, layout_ref to,
                           dnnl_primitive_t *reorder)
{
    dnnl_primitive_desc_t desc = NULL;
    bool created = false;
    DNNL_CHECK(
        dnnl_reorder_primitive_desc_create(&desc, from, onednn->engine, to, onednn->engine, NULL));
    DNNL_CHECK(dnnl_primitive_create(reorder, desc));
    created = true;
error:
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    return created;
}

// Everything but the primitive itself.
static bool create_parts(struct convolution *c, const struct request *r,
                         const_dnnl_primitive_desc_t desc, const struct convolution_shape *s)
{
    const dnnl_dims_t dims = {s->out, s->in, s->kernel, s->kernel};
    const layout_ref packed = packed_layout(desc, s->kind);
    layout plain = {0};
    bool created = false;
    DNNL_CHECK(layout_create(&plain, dims, 4, dnnl_f32, dnnl_hwio));
    CHECK(memory_create(c->onednn, ref(&r->x), &c->x));
    CHECK(memory_create(c->onednn, ref(&plain), &c->plain));
    CHECK(memory_create(c->onednn, packed, &c->packed));
    CHECK(memory_create(c->onednn, ref(&r->bias), &c->bias));
    CHECK(memory_create(c->onednn, ref(&r->y), &c->y));
    CHECK(memory_create(c->onednn, dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0),
                        &c->scratchpad));
    if (s->kind == CONVOLUTION_WEIGHT_GRAD)
        CHECK(reorder_create(c->onednn, packed, ref(&plain), &c->unpacks));
    else
        CHECK(reorder_create(c->onednn, ref(&plain), packed, &c->packs));
    created = true;
error:
    layout_destroy(&plain);
    return created;
}

bool convolution_create(struct onednn *onednn, const struct convolution_shape *shape,
                        struct convolution **out)
{
    struct convolution *c = mem_zalloc(1, sizeof *c);
    struct request request = {0};
    dnnl_primitive_desc_t desc = NULL;
    c->onednn = onednn;
    c->kind = shape->kind;
    CHECK(desc_create(onednn, shape, &desc));
    CHECK(request_create(onednn, shape, &request));
    c->sizes = sizes_of(desc, shape);
    CHECK(create_parts(c, &request, desc, shape));
    DNNL_CHECK(dnnl_primitive_create(&c->primitive, desc));
    *out = c;
error:
    if (!c->primitive) {
        convolution_destroy(&c);
        *out = NULL;
    }
    request_destroy(&request);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    return *out != NULL;
}

void convolution_destroy(struct convolution **handle)
{
    struct convolution *c = *handle;
    *handle = NULL;
    if (!c)
        return;
    const dnnl_primitive_t primitives[] = {c->primitive, c->packs, c->unpacks};
    const dnnl_memory_t memories[] = {c->x, c->plain, c->packed, c->bias, c->y, c->scratchpad};
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++)
        if (primitives[i])
            dnnl_primitive_destroy(primitives[i]);
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    free(c);
}

struct convolution_sizes convolution_needs(const struct convolution *convolution)
{
    return convolution->sizes;
}

struct argument {
    int role;
    dnnl_memory_t memory;
    const void *data;
};

// Computes with memory that the caller names, and waits.
static bool execute(struct onednn *onednn, dnnl_primitive_t primitive,
                    const struct argument *arguments, int count)
{
    dnnl_exec_arg_t list[8];
    for (int i = 0; i < count; i++) {
        DNNL_CHECK(
            dnnl_memory_set_data_handle(arguments[i].memory, (void *)(uintptr_t)arguments[i].data));
        list[i] = (dnnl_exec_arg_t){arguments[i].role, arguments[i].memory};
    }
    DNNL_CHECK(dnnl_primitive_execute(primitive, onednn->stream, count, list));
    DNNL_CHECK(dnnl_stream_wait(onednn->stream));
    return true;
error:
    return false;
}

bool convolution_pack(struct convolution *c, const float *weight, void *packed)
{
    const struct argument arguments[] = {{DNNL_ARG_FROM, c->plain, weight},
                                         {DNNL_ARG_TO, c->packed, packed}};
    return execute(c->onednn, c->packs, arguments, 2);
}

bool convolution_unpack(struct convolution *c, const void *packed, float *weight)
{
    const struct argument arguments[] = {{DNNL_ARG_FROM, c->packed, packed},
                                         {DNNL_ARG_TO, c->plain, weight}};
    return execute(c->onednn, c->unpacks, arguments, 2);
}

bool convolution_run(struct convolution *c, void *x, void *packed, const float *bias, void *y,
                     void *scratchpad)
{
    static const struct {
        int x, weight, y;
    } roles[] = {
        [CONVOLUTION_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
        [CONVOLUTION_FORWARD_RELU] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
        [CONVOLUTION_INPUT_GRAD] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
        [CONVOLUTION_WEIGHT_GRAD] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
    };
    struct argument arguments[] = {
        {roles[c->kind].x, c->x, x},    {roles[c->kind].weight, c->packed, packed},
        {roles[c->kind].y, c->y, y},    {DNNL_ARG_SCRATCHPAD, c->scratchpad, scratchpad},
        {DNNL_ARG_BIAS, c->bias, bias},
    };
    return execute(c->onednn, c->primitive, arguments, bias ? 5 : 4);
}
