// Any rollout, from the words of docs/SPEC.md, for the explorer's page: compiled to WebAssembly by `make engine`.
//
// An instance of the module holds one rollout. In order: write the population and the vocabulary to `get_population()`
// and `get_centroids()`, call `draw(index)`, then `begin(...)` for frame 0 and `advance()` for each further frame; the
// tokens of the current frame lie at `get_tokens()`. Tests hold every function against the package's own engine.

#include <stdint.h>
#include <wasm_simd128.h>

#define MOST_SIDE 128
#define MOST_CELLS (MOST_SIDE * MOST_SIDE)
#define FAMILIES 14
#define EXPORT(name) __attribute__((export_name(name)))

#include "random.h"
#include "sketch.h"
#include "start.h"
#include "families.h"
#include "dynamics.h"
#include "sha256.h"

// A set's seed, its smallest and largest side, and the shares of its families in the catalog's order.
static struct { uint32_t seed, smallest, largest, shares[FAMILIES]; } population;

// What was drawn: for the page to show, and for tests.
static int32_t drawn[12];

static uint32_t frame, noise_index;
static int noisy;

EXPORT("get_population") uint32_t *get_population(void) { return &population.seed; }
EXPORT("get_centroids") int16_t *get_centroids(void) { return &centroids[0][0]; }
EXPORT("get_drawn") int32_t *get_drawn(void) { return drawn; }
EXPORT("get_rule") int16_t *get_rule(void) { return &rule.in[0][0][0]; }
EXPORT("get_tokens") uint8_t *get_tokens(void) { return tokens; }

// Draw the rule of rollout `index` of the population, and the design of its start.
EXPORT("draw") void draw(uint32_t index) {
    __builtin_memset(&rule, 0, sizeof rule);
    __builtin_memset(&start, 0, sizeof start);
    rule.leak = 64;
    start.patch = 1;
    start.density = 256;
    seed = population.seed;
    scalar_index = index;
    words_taken = 0;
    draw_shape(index, population.smallest, population.largest);
    int sum = 0, family = 0;
    for (int f = 0; f < FAMILIES; f++) sum += population.shares[f];
    int number = between(0, sum - 1);
    while (number >= (int)population.shares[family]) number -= population.shares[family++];
    draw_family(family);
    const int32_t numbers[] = {height, width, family, rule.shift, rule.leak, rule.noise_shift, start.kind, start.patch,
                               start.density, start.seeds, start.marks, (int32_t)words_taken};
    for (int i = 0; i < COUNT(numbers); i++) drawn[i] = numbers[i];
    list_products(&of_hidden, &rule.in[0][0][0], 16, 9);
    list_products(&of_update, &rule.out[0][0][0], 16, 9);
    list_products(&of_tokens, &centroids[0][0], 32, 1);
    for (int c = 0; c < 16; c++) {
        of_hidden.bias[c] = 1024 * rule.bias_in[c];
        of_update.bias[c] = 1024 * rule.bias_out[c];
    }
}

// Frame 0 with the random numbers of rollout `start_index`; later frames with the noise of rollout `of_noise`, if any.
EXPORT("begin") void begin(uint32_t start_index, uint32_t of_noise, int with_noise) {
    frame = 0;
    noise_index = of_noise;
    noisy = with_noise;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int16_t channels[16];
            start_cell(y, x, start_index, channels);
            for (int c = 0; c < 16; c++) state[c / 2][place(y, x)][c % 2] = channels[c];
        }
    wrap(state);
    tokenize();
}

EXPORT("advance") void advance(void) {
    frame++;
    if (noisy) draw_noise(frame, noise_index);
    step_state(noisy);
    tokenize();
}

// Damage: the states of 3 x 3 cells around row y and column x change sign in the current frame. It wraps around.
EXPORT("flip") void flip(int y, int x) {
    for (int dy = height - 1; dy <= height + 1; dy++)
        for (int dx = width - 1; dx <= width + 1; dx++)
            for (int c = 0; c < 16; c++) state[c / 2][place((y + dy) % height, (x + dx) % width)][c % 2] *= -1;
    wrap(state);
    tokenize();
}

// The digest of a rollout of `frames` frames (section 7): begin, add each frame's tokens, end.
EXPORT("digest_begin") void digest_begin(uint32_t frames) {
    hash_begin();
    hash_number(frames);
    hash_number(height);
    hash_number(width);
}

EXPORT("digest_add") void digest_add(void) {
    for (int cell = 0; cell < height * width; cell++) hash_byte(tokens[cell]);
}

// Its eight words, to be read as hexadecimal numbers of eight digits.
EXPORT("digest_end") uint32_t *digest_end(void) {
    hash_end();
    return hash.sum;
}
