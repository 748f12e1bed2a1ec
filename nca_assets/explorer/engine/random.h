// Random numbers (SPEC.md, section 2): Philox4x32-10, and a rule's scalars, drawn one by one.

typedef struct { uint32_t word[4]; } Words;

static uint32_t seed, scalar_index, words_taken;

static Words philox(uint32_t stream, uint32_t step, uint32_t cell, uint32_t block, uint32_t index) {
    uint32_t c0 = stream, c1 = step, c2 = cell, c3 = block, k0 = seed, k1 = index;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return (Words){{c0, c1, c2, c3}};
}

// Half n of the eight halves of some words.
static int half(Words words, int n) { return words.word[n / 2] >> 16 * (n % 2) & 0xFFFF; }

static int floor_div(int a, int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

// An integer from a to b, inclusive.
static int between(int a, int b) {
    Words words = philox(1, 0, words_taken / 4, 0, scalar_index);
    uint32_t word = words.word[words_taken++ % 4];
    return a + (int)((uint64_t)word * (uint32_t)(b - a + 1) >> 32);
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define ONE_OF(...) (((int[]){__VA_ARGS__})[between(0, COUNT(((int[]){__VA_ARGS__})) - 1)])

static int sign(void) { return ONE_OF(1, -1); }

static int chance(int of_64) { return between(0, 63) < of_64; }
