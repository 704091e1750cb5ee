// SPDX-License-Identifier: MIT
// Formats: "new curv" (FreeSurfer), MGH.
#include "formats/vertex_array.h"

#include "formats/bytes.h"
#include "formats/mgh.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

enum { CURV_HEADER = 15 };

static bool count_allowed(int64_t count)
{
    return (count >= 1 && count <= SURFACE_VERTICES) ||
           error_set("%lld vertices: 1 to %d are allowed", (long long)count, SURFACE_VERTICES);
}

bool vertex_array_of_curv(uint8_t *bytes, size_t size, struct vertex_array *array)
{
    if (size < CURV_HEADER)
        return error_set("truncated in its header of %d bytes", CURV_HEADER);
    const int32_t count = (int32_t)load_be32(bytes + 3), each = (int32_t)load_be32(bytes + 11);
    if (!count_allowed(count))
        return false;
    if (each != 1)
        return error_set("%d values per vertex: 1 is wanted", each);
    const size_t have = size - CURV_HEADER, want = (size_t)count * sizeof(float);
    if (have != want)
        return error_set("%zu bytes of data, but its %d vertices need %zu", have, count, want);
    swap_elements(bytes + CURV_HEADER, (size_t)count, sizeof(float));
    *array = (struct vertex_array){ELEMENT_F32, (size_t)count, bytes + CURV_HEADER};
    return true;
}

bool vertex_array_of_mgh(uint8_t *bytes, size_t size, struct vertex_array *array)
{
    struct mgh mgh;
    if (!mgh_open(bytes, size, &mgh))
        return false;
    const int *dims = mgh.volume.dims;
    if ((dims[0] > 1) + (dims[1] > 1) + (dims[2] > 1) > 1)
        return error_set("a volume of %d x %d x %d: a number per vertex is wanted", dims[0],
                         dims[1], dims[2]);
    if (mgh.frames != 1)
        return error_set("%d frames: one is wanted", mgh.frames);
    *array = (struct vertex_array){mgh.element, mgh.count, mgh.data};
    return count_allowed((int64_t)mgh.count);
}

void vertex_array_values(const struct vertex_array *array, struct vertex_values *values)
{
    const size_t step = element_size(array->element);
    values->count = (int)array->count;
    values->values = mem_alloc(array->count * sizeof(float));
    if (array->element == ELEMENT_F32)
        memcpy(values->values, array->data, array->count * sizeof(float));
    else
        for (size_t i = 0; i < array->count; i++)
            values->values[i] = element_to_float(array->element, array->data + i * step);
}

bool vertex_array_keys(const struct vertex_array *array, struct vertex_labels *labels)
{
    const size_t step = element_size(array->element);
    labels->count = (int)array->count;
    labels->keys = mem_alloc(array->count * sizeof(int32_t));
    for (size_t i = 0; i < array->count; i++)
        if (!element_to_key(array->element, array->data + i * step, &labels->keys[i]))
            return error_set("vertex %zu has the value %g: labels are whole numbers of 32 bits", i,
                             (double)element_to_float(array->element, array->data + i * step));
    return true;
}
