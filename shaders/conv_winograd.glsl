// SPDX-License-Identifier: MIT
// Winograd's F(2x2, 3x3) (Lavin and Gray 2016) for convolutions 3x3 of stride 1, fp32: 16 products for 2x2 outputs where a direct
// convolution takes 36. With d a window of 4x4 inputs and g a filter, B, G and A the transforms below:
//
//     y  = A' [ (G g G') (B' d B) ] A          dg = G' [ sum over tiles of (B' d B) (A dy A') ] G
//
// In the transformed domain each of the 16 places is a matrix product left [M][sum] times right [sum][N], here in tiles of shared
// memory, in steps of DEPTH along the sum. Both sides are transformed on their way into it, so that no transformed tensor is ever in
// device memory.
//
// Split: a workgroup computes 4 ROWS x 4 COLUMNS elements of each place, LOCAL / 16 invocations a place, each of them 4 TILE_ROWS x
// 4 TILE_COLUMNS. At the end the places of an element come together through shared memory. The sum runs in one order whatever the tile.
//
// For each side a kernel defines fetch_...(), which loads its share of a step into registers, and transform_...(), which transforms it
// into shared memory; while one step is multiplied, the next is on its way. LEAN is for compilers and devices that have few registers
// for a tile: the loop over DEPTH stays a loop, of one line of the sum a turn, and each side is loaded only when its turn has come.
layout(constant_id = 0) const uint LOCAL = 256; // invocations of a workgroup, a multiple of 16
layout(constant_id = 1) const uint TILE_ROWS = 2;
layout(constant_id = 2) const uint TILE_COLUMNS = 2;
layout(constant_id = 5) const uint LOCAL_COLUMNS = 4; // a divisor of LOCAL / 16
layout(constant_id = 6) const uint DEPTH = 8;
layout(constant_id = 9) const bool LEAN = false;
layout(local_size_x_id = 0) in;

const uint PLACES = 16;
const uint LANES = LOCAL / PLACES, LOCAL_ROWS = LANES / LOCAL_COLUMNS;
const uint ROWS = LOCAL_ROWS * TILE_ROWS, COLUMNS = LOCAL_COLUMNS * TILE_COLUMNS; // vectors of four
// Windows, and filters or windows of the gradient, of a step that an invocation loads.
const uint LEFT_COUNT = 4 * ROWS * DEPTH, RIGHT_COUNT = 4 * COLUMNS * DEPTH;
const uint LEFT_LOADS = (LEFT_COUNT + LOCAL - 1) / LOCAL, RIGHT_LOADS = (RIGHT_COUNT + LOCAL - 1) / LOCAL;

// [DEPTH][place][ROWS], then the same with COLUMNS. The vectors of a line change places, by swizzle(), so that what neighbours write
// at several lines is spread over the banks; padding would do as well, but 32 KiB are all that some devices have.
// At the end [place][4 LOCAL_ROWS][COLUMNS] of the products.
const uint RIGHT_START = DEPTH * PLACES * ROWS;
const uint STEP_SIZE = RIGHT_START + DEPTH * PLACES * COLUMNS, PRODUCT_SIZE = PLACES * 4 * LOCAL_ROWS * COLUMNS;
shared REAL4 memory[STEP_SIZE > PRODUCT_SIZE ? STEP_SIZE : PRODUCT_SIZE];

REAL4 sums[4 * TILE_ROWS][TILE_COLUMNS];

uint place()
{
    return gl_LocalInvocationID.x / LANES;
}

uint lane_row()
{
    return gl_LocalInvocationID.x % LANES / LOCAL_COLUMNS;
}

uint lane_column()
{
    return gl_LocalInvocationID.x % LOCAL_COLUMNS;
}

// The `load`th item that an invocation loads.
uint load_index(uint load)
{
    return load * LOCAL + gl_LocalInvocationID.x;
}

void fetch_left();
void fetch_right(); // after the left side, to the next step
void transform_left();
void transform_right();

// Where vector first + locals time of line k is, of `times` times `locals`, both powers of two: at first + locals time ^ k, taken
// apart so that compilers know the second half where k and `time` are constants.
uint swizzle(uint k, uint first, uint locals, uint time, uint times)
{
    return (first ^ k % locals) + (time ^ k / locals % times) * locals;
}

// Element m of M at line k of the sum; and of N.
void put_left(uint k, uint m, REAL places[PLACES])
{
    const uint at = swizzle(k, m / 4 % LOCAL_ROWS, LOCAL_ROWS, m / 4 / LOCAL_ROWS, TILE_ROWS);
    [[unroll]] for (uint p = 0; p < PLACES; p++)
        memory[(k * PLACES + p) * ROWS + at][m % 4] = places[p];
}

void put_right(uint k, uint n, REAL places[PLACES])
{
    const uint at = swizzle(k, n / 4 % LOCAL_COLUMNS, LOCAL_COLUMNS, n / 4 / LOCAL_COLUMNS, TILE_COLUMNS);
    [[unroll]] for (uint p = 0; p < PLACES; p++)
        memory[RIGHT_START + (k * PLACES + p) * COLUMNS + at][n % 4] = places[p];
}

void add_line(uint k)
{
    REAL4 a[TILE_ROWS], b[TILE_COLUMNS];
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
        a[t] = memory[(k * PLACES + place()) * ROWS + swizzle(k, lane_row(), LOCAL_ROWS, t, TILE_ROWS)];
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
        b[j] = memory[RIGHT_START + (k * PLACES + place()) * COLUMNS +
                      swizzle(k, lane_column(), LOCAL_COLUMNS, j, TILE_COLUMNS)];
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
        [[unroll]] for (uint c = 0; c < 4; c++)
            [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
                sums[4 * t + c][j] = fma(REAL4(a[t][c]), b[j], sums[4 * t + c][j]);
}

void accumulate()
{
    if (LEAN)
        [[dont_unroll]] for (uint k = 0; k < DEPTH; k++)
            add_line(k);
    else
        [[unroll]] for (uint k = 0; k < DEPTH; k++)
            add_line(k);
}

void fetch()
{
    fetch_left();
    fetch_right();
}

void multiply(uint steps)
{
    [[unroll]] for (uint m = 0; m < 4 * TILE_ROWS; m++)
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
            sums[m][j] = REAL4(0);
    if (!LEAN && steps > 0)
        fetch();
    for (uint s = 0; s < steps; s++) {
        if (LEAN)
            fetch_left();
        transform_left();
        if (LEAN)
            fetch_right();
        transform_right();
        barrier();
        if (!LEAN && s + 1 < steps)
            fetch();
        accumulate();
        barrier(); // nobody reads this step any more
    }
}

// Lays down the products of vectors t of the rows, so that read_product() finds all places of an element.
void gather_products(uint t)
{
    if (t > 0)
        barrier(); // nobody reads the ones before any more
    [[unroll]] for (uint c = 0; c < 4; c++)
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
            memory[(place() * LOCAL_ROWS * 4 + lane_row() * 4 + c) * COLUMNS + lane_column() + j * LOCAL_COLUMNS] =
                sums[4 * t + c][j];
    barrier();
}

// Row m, of 4 LOCAL_ROWS, and vector `column` of them.
REAL4 read_product(uint place_, uint m, uint column)
{
    return memory[(place_ * LOCAL_ROWS * 4 + m) * COLUMNS + column];
}

// The element of M that row m of the products of vectors t is.
uint product_row(uint t, uint m)
{
    return 4 * t * LOCAL_ROWS + m;
}

// One line of B' d, of G g and of A dy; `+` and `-` alone, or by halves, so that errors are those of a direct convolution.
#define TRANSFORM_INPUT(to, at, step, d0, d1, d2, d3)                                              \
    {                                                                                              \
        to[at] = d0 - d2;                                                                          \
        to[at + step] = d1 + d2;                                                                   \
        to[at + 2 * (step)] = d2 - d1;                                                             \
        to[at + 3 * (step)] = d1 - d3;                                                             \
    }
#define TRANSFORM_FILTER(to, at, step, g0, g1, g2)                                                 \
    {                                                                                              \
        const REAL outer_ = g0 + g2;                                                               \
        to[at] = g0;                                                                               \
        to[at + step] = 0.5 * (outer_ + g1);                                                       \
        to[at + 2 * (step)] = 0.5 * (outer_ - g1);                                                 \
        to[at + 3 * (step)] = g2;                                                                  \
    }
#define TRANSFORM_GRADIENT(to, at, step, d0, d1)                                                   \
    {                                                                                              \
        to[at] = d0;                                                                               \
        to[at + step] = d0 + d1;                                                                   \
        to[at + 2 * (step)] = d0 - d1;                                                             \
        to[at + 3 * (step)] = -d1;                                                                 \
    }

// A window of 4x4 around a tile of 2x2: the elements at which its rows begin, and from there its columns, both clamped into the
// image, with bits of those that lie in it: of rows from bit 0, of columns from bit 4 on.
struct window {
    uint rows[4], columns[4];
    uint inside;
};

// Of images [H][W][channels]; across, down: tiles of an image; before: rows and columns before the tile's first.
window window_of(uint tile, uint across, uint down, uint height, uint width, uint channels, int before)
{
    window result;
    const uint line = tile / across;
    result.inside = 0;
    [[unroll]] for (int k = 0; k < 4; k++) {
        const int row = int(line % down) * 2 - before + k, column = int(tile % across) * 2 - before + k;
        result.rows[k] = (line / down * height + uint(clamp(row, 0, int(height) - 1))) * width * channels;
        result.columns[k] = uint(clamp(column, 0, int(width) - 1)) * channels;
        result.inside |= (uint(row) < height ? 1u << k : 0) | (uint(column) < width ? 16u << k : 0);
    }
    return result;
}

bool is_inside(uint inside, uint row, uint column)
{
    return (inside >> row & inside >> (4 + column) & 1) != 0;
}

// B' d B of a window, with zeros where it is not inside.
REAL[PLACES] transform_window(REAL d[PLACES], uint inside)
{
    REAL t[PLACES], result[PLACES];
    [[unroll]] for (uint e = 0; e < PLACES; e++)
        d[e] = is_inside(inside, e / 4, e % 4) ? d[e] : REAL(0);
    [[unroll]] for (uint c = 0; c < 4; c++)
        TRANSFORM_INPUT(t, c, 4, d[c], d[4 + c], d[8 + c], d[12 + c])
    [[unroll]] for (uint r = 0; r < 16; r += 4)
        TRANSFORM_INPUT(result, r, 1, t[r], t[r + 1], t[r + 2], t[r + 3])
    return result;
}
