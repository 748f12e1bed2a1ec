// Grids and frame 0 (SPEC.md, section 3, "Shape" and "Starts").

enum Kind { NOISE, PATCHES, SPARSE, SEEDS, GROUND };

static int height, width;

// The start's design; marks are drawn into field 4 if there are any.
static struct {
    int kind, patch, density, seeds, marks, has_marks, quiet;  // quiet: one bit for each field
    uint8_t seeded[MOST_CELLS], marked[MOST_CELLS];
} start;

// isqrt(u cubed), for u below 2 to the 16th.
static uint32_t root_of_cube(uint64_t u) {
    uint64_t root = 0;
    for (uint64_t bit = 1 << 23; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= u * u * u) root += bit;
    return root;
}

static void draw_shape(uint32_t index, int smallest, int largest) {
    uint32_t block = index / 32;
    Words from = philox(0, 0, 0, 0, 0);
    uint32_t u = (from.word[0] + 49471 * block) & 0xFFFF, v = (from.word[1] + 37345 * block) & 0xFFFF;
    int flip = philox(0, 1, 0, 0, block).word[0] & 1;
    int side = smallest + (int)((uint64_t)root_of_cube(u) * (largest - smallest + 1) >> 24), widest = 32;
    if (32 * largest / side - 32 < widest) widest = 32 * largest / side - 32;
    if (32 * side / smallest - 32 < widest) widest = 32 * side / smallest - 32;
    int stretch = 32 + (v * (widest + 1) >> 16);
    int longer = (side * stretch + 16) / 32, shorter = (32 * side + stretch / 2) / stretch;
    height = flip ? longer : shorter;
    width = flip ? shorter : longer;
}

static void rectangles(uint8_t *into, int n, int a, int b) {
    for (int i = 0; i < n; i++) {
        int top = between(0, height - 1), left = between(0, width - 1), rows = between(a, b), columns = between(a, b);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++) into[(top + y) % height * width + (left + x) % width] = 1;
    }
}

static void free_start(int kind) {
    start.kind = kind;
    if (kind == PATCHES) start.patch = between(2, 6);
    if (kind == SPARSE) start.density = between(12, 102);
    if (kind == SEEDS) {
        start.density = 0;
        start.seeds = between(1, 2 + height * width / 120);
        rectangles(start.seeded, start.seeds, 1, 4);
    }
}

static void anywhere(void) {
    free_start(ONE_OF(NOISE, NOISE, NOISE, NOISE, NOISE, NOISE, NOISE, NOISE, NOISE, NOISE, PATCHES, PATCHES, PATCHES,
                      SPARSE, SPARSE, SEEDS));
}

static void marked(int kind, int a, int b, int q) {
    free_start(kind);
    if (kind == GROUND) start.density = 0;
    start.marks = height * width * q / (64 * (a + b) * (a + b));
    if (start.marks < 2) start.marks = 2;
    start.has_marks = 1;
    rectangles(start.marked, start.marks, a, b);
}

// The 16 channels of a cell at frame 0, with the random numbers of rollout `index`.
static void start_cell(int y, int x, uint32_t index, int16_t channels[16]) {
    uint32_t corner = (y - y % start.patch) * width + x - x % start.patch;
    int cell = y * width + x;
    int active = (philox(3, 0, corner, 2, index).word[0] >> 8 & 255) < (uint32_t)start.density || start.seeded[cell];
    int fields[16];
    for (int f = 0; f < 16; f++) {
        int value = (2049 * half(philox(3, 0, corner, f / 8, index), f % 8) >> 16) - 1024;
        fields[f] = active && !(start.quiet >> f & 1) ? value : -1024;
    }
    if (start.has_marks) fields[4] = start.marked[cell] ? 1024 : -1024;
    for (int c = 0; c < 16; c++) channels[c] = fields[rule.fields[c]];
}
