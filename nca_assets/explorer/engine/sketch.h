// Rules under construction (SPEC.md, section 3, "Sketches"): hidden units that read fields, and write to them.

enum Kernel { CENTER, CROSS, RING, BOX, BLUR, RIGHTWARD, DOWNWARD, LAPLACE };

static const int KERNELS[][9] = {
    [CENTER] = {0, 0, 0, 0, 1, 0, 0, 0, 0},
    [CROSS] = {0, 1, 0, 1, 0, 1, 0, 1, 0},
    [RING] = {1, 1, 1, 1, 0, 1, 1, 1, 1},
    [BOX] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
    [BLUR] = {1, 2, 1, 2, 4, 2, 1, 2, 1},
    [RIGHTWARD] = {-1, 0, 1, -2, 0, 2, -1, 0, 1},
    [DOWNWARD] = {-1, -2, -1, 0, 0, 0, 1, 2, 1},
    [LAPLACE] = {1, 2, 1, 2, -12, 2, 1, 2, 1},
};

// The rule: weights [output][input][tap] and biases in units of 1/64, the field of each channel, and three scalars.
static struct {
    int16_t in[16][16][9], bias_in[16], out[16][16][9], bias_out[16];
    int fields[16], units, shift, leak, noise_shift;
} rule;

static int tap_share(int kernel, int gain, int tap) {
    int sum = 0;
    for (int t = 0; t < 9; t++) sum += KERNELS[kernel][t] < 0 ? -KERNELS[kernel][t] : KERNELS[kernel][t];
    return floor_div(2 * gain * KERNELS[kernel][tap] + sum, 2 * sum);
}

static int unit(int bias) {
    rule.bias_in[rule.units] = bias;
    return rule.units++;
}

// Add a read of a field, through a kernel with a gain, to unit u.
static void reads(int u, int field, int kernel, int gain) {
    int channels = 0, n = 0;
    for (int c = 0; c < 16; c++) channels += rule.fields[c] == field;
    for (int c = 0; c < 16; c++) {
        if (rule.fields[c] != field) continue;
        for (int tap = 0; tap < 9; tap++) {
            int share = tap_share(kernel, gain, tap);
            rule.in[u][c][tap] += floor_div(share * (n + 1), channels) - floor_div(share * n, channels);
        }
        n++;
    }
}

// A unit with a single read and no bias.
static int reader(int field, int kernel, int gain) {
    int u = unit(0);
    reads(u, field, kernel, gain);
    return u;
}

static void write(int field, int u, int weight) {
    for (int c = 0; c < 16; c++)
        if (rule.fields[c] == field) rule.out[c][u][4] += weight;
}

static void bias(int field, int weight) {
    for (int c = 0; c < 16; c++)
        if (rule.fields[c] == field) rule.bias_out[c] += weight;
}

static void turn(int a, int u, int v, int re, int im) {
    write(a, u, re);
    write(a, v, -im);
    write(a + 1, v, re);
    write(a + 1, u, im);
}

static void carry(int dy, int dx) {
    int to = 3 * (1 - dy) + 1 - dx;
    for (int c = 0; c < 16; c++)
        for (int u = 0; u < 16; u++) {
            rule.out[c][u][to] = rule.out[c][u][4];
            rule.out[c][u][4] = 0;
        }
}

static void set_fields(const int fields[16]) {
    for (int c = 0; c < 16; c++) rule.fields[c] = fields[c];
}
