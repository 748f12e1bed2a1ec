// The dynamics and the tokens (SPEC.md, sections 4 and 5), eight cells at a time, in two vectors of four.
//
// A plane holds two channels of every cell, as pairs of 16-bit integers, with a border of one cell on each side that
// repeats the other side of the torus. One instruction multiplies such pairs by a pair of weights and adds the two
// products. Products by zero are left out: each convolution is a list of the others, for four outputs at a time.

#define STRIDE_MOST (MOST_SIDE + 2)
#define PLANE (STRIDE_MOST * STRIDE_MOST + 16)
#define LANES 8

typedef int16_t Planes[8][PLANE][2];

typedef struct { int plane, offset, weights[4]; } Product;  // a pair of weights of each of four outputs

typedef struct {
    int ends[8], count, bias[32];  // where the products of each four outputs end
    Product products[8 * 8 * 9];
} Products;

static Planes state, hidden;
static int8_t noise[16][PLANE];
static Products of_hidden, of_update, of_tokens;
static int16_t centroids[32][16];
static uint8_t tokens[MOST_CELLS];

static int stride(void) { return width + 2; }
static int place(int y, int x) { return (y + 1) * stride() + x + 1; }

// The products of weights [output][input][tap] that are not zero; `taps` is 9, or 1 for the center alone.
static void list_products(Products *list, const int16_t *weights, int outputs, int taps) {
    list->count = 0;
    for (int four = 0; four < outputs / 4; four++) {
        for (int plane = 0; plane < 8; plane++)
            for (int tap = 0; tap < taps; tap++) {
                Product product = {plane, taps == 1 ? 0 : (tap / 3 - 1) * stride() + tap % 3 - 1, {0}};
                int any = 0;
                for (int o = 0; o < 4; o++) {
                    const int16_t *of_output = weights + (4 * four + o) * 16 * taps;
                    int even = of_output[2 * plane * taps + tap], odd = of_output[(2 * plane + 1) * taps + tap];
                    product.weights[o] = (int)((uint32_t)odd << 16) | (even & 0xFFFF);
                    any |= product.weights[o];
                }
                if (any) list->products[list->count++] = product;
            }
        list->ends[four] = list->count;
    }
}

// The sums of four outputs, from number 4 * four on, in the cells from `at` on.
static inline void sums(const Products *list, int four, const Planes planes, int at, v128_t sum[2][4]) {
    for (int o = 0; o < 4; o++) sum[0][o] = sum[1][o] = wasm_i32x4_splat(list->bias[4 * four + o]);
    for (int n = four ? list->ends[four - 1] : 0; n < list->ends[four]; n++) {
        const Product *product = &list->products[n];
        const int16_t(*seen)[2] = &planes[product->plane][at + product->offset];
        v128_t first = wasm_v128_load(seen), second = wasm_v128_load(seen + 4);
        for (int o = 0; o < 4; o++) {
            v128_t weights = wasm_i32x4_splat(product->weights[o]);
            sum[0][o] = wasm_i32x4_add(sum[0][o], wasm_i32x4_dot_i16x8(first, weights));
            sum[1][o] = wasm_i32x4_add(sum[1][o], wasm_i32x4_dot_i16x8(second, weights));
        }
    }
}

// sum / 2^shift, rounded half to even, from -1024 to 1024.
static inline v128_t rounded(v128_t sum, int shift) {
    v128_t odd = wasm_v128_and(wasm_i32x4_shr(sum, shift), wasm_i32x4_splat(1));
    v128_t most = wasm_i32x4_add(wasm_i32x4_add(sum, odd), wasm_i32x4_splat((1 << (shift - 1)) - 1));
    v128_t whole = wasm_i32x4_shr(most, shift);
    return wasm_i32x4_max(wasm_i32x4_min(whole, wasm_i32x4_splat(1024)), wasm_i32x4_splat(-1024));
}

static inline void store_pair(Planes planes, int plane, int at, v128_t even, v128_t odd) {
    v128_t low = wasm_v128_and(even, wasm_i32x4_splat(0xFFFF));
    wasm_v128_store(planes[plane][at], wasm_v128_or(low, wasm_i32x4_shl(odd, 16)));
}

static void wrap(Planes planes) {
    for (int plane = 0; plane < 8; plane++) {
        int32_t *cells = (int32_t *)planes[plane];
        for (int y = 0; y < height; y++) {
            cells[place(y, -1)] = cells[place(y, width - 1)];
            cells[place(y, width)] = cells[place(y, 0)];
        }
        for (int x = -1; x <= width; x++) {
            cells[place(-1, x)] = cells[place(height - 1, x)];
            cells[place(height, x)] = cells[place(0, x)];
        }
    }
}

static void draw_noise(uint32_t frame, uint32_t index) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            Words words = philox(4, frame, y * width + x, 0, index);
            // e = 2 byte - 255, kept as byte - 128: e = 2 (byte - 128) + 1.
            for (int c = 0; c < 16; c++) noise[c][place(y, x)] = (int)(words.word[c / 4] >> 8 * (c % 4) & 255) - 128;
        }
}

static inline v128_t noise_of(int channel, int at) {
    v128_t half = wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(&noise[channel][at])));
    return wasm_i32x4_add(wasm_i32x4_shl(half, 1), wasm_i32x4_splat(1));
}

// The new states of four channels, from number 4 * four on, in four cells: what the hidden layer adds is in `sum`.
static inline void update_four(int four, int at, int noisy, v128_t sum[4]) {
    int fine = 6 + rule.shift;
    v128_t keeps = wasm_i32x4_splat((1 << fine) - rule.leak);
    for (int o = 0; o < 4; o++) {
        v128_t both = wasm_v128_load(state[2 * four + o / 2][at]);
        v128_t own = wasm_i32x4_shr(o % 2 ? both : wasm_i32x4_shl(both, 16), 16);
        sum[o] = wasm_i32x4_add(sum[o], wasm_i32x4_mul(own, keeps));
        if (noisy) {
            v128_t e = wasm_i32x4_shl(noise_of(4 * four + o, at), 16 + rule.shift - rule.noise_shift);
            sum[o] = wasm_i32x4_add(sum[o], e);
        }
        sum[o] = rounded(sum[o], fine);
    }
    store_pair(state, 2 * four, at, sum[0], sum[1]);
    store_pair(state, 2 * four + 1, at, sum[2], sum[3]);
}

// The next frame: the hidden layer of all cells, then the update. From the first cell to the last, borders included.
static void step_state(int noisy) {
    int first = place(0, 0), last = place(height - 1, width - 1);
    for (int at = first; at <= last; at += LANES)
        for (int four = 0; four < 4; four++) {
            v128_t sum[2][4];
            sums(&of_hidden, four, state, at, sum);
            for (int v = 0; v < 2; v++) {
                store_pair(hidden, 2 * four, at + 4 * v, rounded(sum[v][0], 6), rounded(sum[v][1], 6));
                store_pair(hidden, 2 * four + 1, at + 4 * v, rounded(sum[v][2], 6), rounded(sum[v][3], 6));
            }
        }
    wrap(hidden);
    for (int at = first; at <= last; at += LANES)
        for (int four = 0; four < 4; four++) {
            v128_t sum[2][4];
            sums(&of_update, four, hidden, at, sum);
            for (int v = 0; v < 2; v++) update_four(four, at + 4 * v, noisy, sum[v]);
        }
    wrap(state);
}

// Each cell's token: the lowest number among the centroids with the greatest product.
static void tokenize(void) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += LANES) {
            v128_t best[2], chosen[2];
            best[0] = best[1] = wasm_i32x4_splat(INT32_MIN);
            chosen[0] = chosen[1] = wasm_i32x4_splat(0);
            for (int four = 0; four < 8; four++) {
                v128_t sum[2][4];
                sums(&of_tokens, four, state, place(y, x), sum);
                for (int v = 0; v < 2; v++)
                    for (int o = 0; o < 4; o++) {
                        v128_t better = wasm_i32x4_gt(sum[v][o], best[v]);
                        best[v] = wasm_i32x4_max(sum[v][o], best[v]);
                        chosen[v] = wasm_v128_bitselect(wasm_i32x4_splat(4 * four + o), chosen[v], better);
                    }
            }
            int lanes[LANES];
            wasm_v128_store(lanes, chosen[0]);
            wasm_v128_store(lanes + 4, chosen[1]);
            for (int i = 0; i < LANES && x + i < width; i++) tokens[y * width + x + i] = lanes[i];
        }
}
