// SPDX-License-Identifier: MIT
#include "formats/elements.h"

#include "formats/bytes.h"
#include "vkgrid/base/half.h"

#include <assert.h>

size_t element_size(enum element element)
{
    static const uint8_t sizes[] = {
        [ELEMENT_F64] = 8, [ELEMENT_F32] = 4, [ELEMENT_F16] = 2, [ELEMENT_BF16] = 2,
        [ELEMENT_I64] = 8, [ELEMENT_I32] = 4, [ELEMENT_I16] = 2, [ELEMENT_I8] = 1,
        [ELEMENT_U32] = 4, [ELEMENT_U16] = 2, [ELEMENT_U8] = 1,  [ELEMENT_BOOL] = 1,
    };
    return sizes[element];
}

bool element_is_float(enum element element)
{
    return element <= ELEMENT_BF16;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

float element_to_float(enum element element, const uint8_t *at)
{
    double value;
    switch (element) {
    case ELEMENT_F64:
        memcpy(&value, at, sizeof(value));
        return (float)value;
    case ELEMENT_F32:
        return float_of_bits(load_u32(at));
    case ELEMENT_F16:
        return float_of_float16(load_u16(at));
    case ELEMENT_BF16:
        return float_of_bits((uint32_t)load_u16(at) << 16);
    default:
        return (float)element_to_int(element, at);
    }
}

int64_t element_to_int(enum element element, const uint8_t *at)
{
    switch (element) {
    case ELEMENT_I64:
        return (int64_t)load_u64(at);
    case ELEMENT_I32:
        return (int32_t)load_u32(at);
    case ELEMENT_I16:
        return (int16_t)load_u16(at);
    case ELEMENT_I8:
        return (int8_t)*at;
    case ELEMENT_U32:
        return load_u32(at);
    case ELEMENT_U16:
        return load_u16(at);
    case ELEMENT_U8:
        return *at;
    case ELEMENT_BOOL:
        return *at != 0;
    default:
        assert(!"a floating-point element");
        return 0;
    }
}

bool element_to_key(enum element element, const uint8_t *at, int32_t *key)
{
    if (!element_is_float(element)) {
        const int64_t value = element_to_int(element, at);
        *key = (int32_t)value;
        return value == *key;
    }
    double value;
    if (element == ELEMENT_F64)
        memcpy(&value, at, sizeof(value));
    else
        value = (double)element_to_float(element, at);
    if (!(value >= INT32_MIN && value <= INT32_MAX))
        return false;
    *key = (int32_t)value;
    return value == *key;
}

bool element_count(int rank, const int64_t *dims, size_t *count)
{
    size_t product = 1;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(product, (uint64_t)dims[i], &product))
            return false;
    *count = product;
    return product <= ELEMENT_LIMIT;
}
