// The families (SPEC.md, section 3): each draws its numbers in the order in which the specification names them.
// Every draw is a statement of its own, since C leaves the order of evaluation within an expression open.

static const int COSINES[][2] = {{64, 0}, {62, 17}, {55, 32}, {45, 45}, {32, 55}, {17, 62}};
static const int ON_A_GROUND[16] = {0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4, 4};
static const int TWO_PAIRS[16] = {0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3};

// How the pairs of a medium read their neighbors: the columns of the specification's table.
typedef struct {
    int pairs[2], kernels[2], pool_size, pool[5], directed, own[2], angles[2], against, coupled, few_shifts;
} Medium;

#define SMOOTH_POOL 4, {BLUR, BOX, RING, CROSS}
#define LAPLACE_POOL 5, {BLUR, BOX, RING, CROSS, LAPLACE}

static const Medium SPIRALS = {{1, 2}, {3, 2}, SMOOTH_POOL, 0, {48, 128}, {0, 2}, 0, 0, 0};
static const Medium WAVES = {{1, 2}, {4, 3}, LAPLACE_POOL, 0, {48, 128}, {1, 5}, 0, 0, 0};
static const Medium FLOW = {{1, 2}, {3, 3}, SMOOTH_POOL, 1, {32, 128}, {0, 5}, 0, 1, 0};
static const Medium DOMAINS = {{2, 2}, {3, 3}, LAPLACE_POOL, 0, {32, 128}, {0, 5}, 0, 1, 0};
static const Medium TURBULENCE = {{1, 2}, {3, 2}, SMOOTH_POOL, 0, {16, 48}, {3, 4}, 1, 1, 1};
static const Medium OF_SMOOTH = {{1, 1}, {2, 2}, 3, {BLUR, BOX, RING}, 0, {8, 64}, {0, 5}, 0, 0, 0};

static int magnitude(int a) { return a < 0 ? -a : a; }

static int least(int gain, int own, int m) {
    int bound = own + m - 4096 / gain;
    if (bound < m) bound = m;
    return bound < 8 ? 8 : bound;
}

// A unit of `field` that also reads the fields of `others`, weakly.
static int coupled_unit(int field, int kernel, int gain, int others, const int other[], int spare) {
    int q[4], sum = 0, u = reader(field, kernel, gain);
    for (int j = 0; j < others; j++) {
        q[j] = between(-8, 8);
        sum += magnitude(q[j]);
    }
    for (int j = 0; j < others; j++) {
        int seen = ONE_OF(BLUR, BOX, RING, CROSS, CENTER);
        reads(u, other[j], seen, floor_div(spare * q[j], sum ? sum : 1));
    }
    return u;
}

static void pair(int a, int n, int gain, int others, const int other[], const Medium *medium) {
    int kernel[4] = {CENTER}, share[4], re[4], im[4], sum = 0, s = sign(), pull = between(0, 12);
    for (int i = 1; i < n; i++) kernel[i] = medium->pool[between(0, medium->pool_size - 1)];
    if (medium->directed) kernel[1] = ONE_OF(RIGHTWARD, DOWNWARD);
    int whole = between(77, 141);
    for (int i = 0; i < n; i++) {
        share[i] = i ? between(8, 64) : between(medium->own[0], medium->own[1]);
        sum += share[i];
    }
    for (int i = 0; i < n; i++) share[i] = whole * share[i] / sum;
    int m = pull;
    for (int i = 1; i < n; i++) {
        const int *angle = COSINES[between(medium->angles[0], medium->angles[1])];
        int way = medium->against ? -s : sign();
        int sigma = kernel[i] == LAPLACE && chance(45) ? -1 : 1;
        re[i] = floor_div(sigma * share[i] * angle[0], 64);
        im[i] = floor_div(way * share[i] * angle[1], 64);
        m += magnitude(re[i]) + magnitude(im[i]);
    }
    int spare = others ? (gain - 64) / 4 : 0;
    if (spare > 16) spare = 16;
    int t = least(gain - spare, share[0], m);
    re[0] = share[0];
    im[0] = s * (t + t * between(1, 32) / 64);
    for (int i = 0; i < n; i++) {
        int u = coupled_unit(a, kernel[i], gain, others, other, spare);
        int v = coupled_unit(a + 1, kernel[i], gain, others, other, spare);
        turn(a, u, v, re[i], im[i]);
    }
    bias(a, -pull);
    bias(a + 1, -pull);
}

static void turning(const Medium *medium) {
    int choices = medium->pairs[0] == medium->pairs[1] ? 1 : 2, choice = between(0, choices - 1);
    int pairs = medium->pairs[choice], size = 16 / pairs;
    for (int c = 0; c < 16; c++) rule.fields[c] = 2 * (c / size) + c % 2;
    int gain = between(96, 256);
    for (int p = 0; p < pairs; p++) {
        int other[2] = {2 * (1 - p), 2 * (1 - p) + 1};
        pair(2 * p, medium->kernels[choice], gain, medium->coupled && pairs == 2 ? 2 : 0, other, medium);
    }
    anywhere();
    rule.shift = medium->few_shifts ? ONE_OF(2, 2, 3, 3) : ONE_OF(1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5);
    rule.noise_shift = between(12, 15);
}

static void swing(int a) {
    int kernel = ONE_OF(BLUR, BOX, RING, CROSS), gain = between(96, 256), growth = between(77, 141);
    int own = growth * between(16, 48) / 64, s = sign(), t = least(gain, own, growth - own);
    int im = s * (t + t * between(2, 32) / 64);
    int u = reader(a, CENTER, gain), v = reader(a + 1, CENTER, gain);
    turn(a, u, v, own, im);
    u = reader(a, kernel, gain), v = reader(a + 1, kernel, gain);
    turn(a, u, v, growth - own, 0);
    int gate = reader(4, CENTER, 256), pull = (growth + magnitude(im) + 64) / 2;
    for (int f = a; f <= a + 1; f++) {
        write(f, gate, pull);
        bias(f, -pull);
    }
}

static void step(int r) {
    int own = between(16, 40), s = sign(), im = s * (between(14, 40) << r);
    int u = reader(0, CENTER, 64), v = reader(1, CENTER, 64);
    turn(0, u, v, own, im);
    u = reader(0, BLUR, 64), v = reader(1, BLUR, 64);
    turn(0, u, v, 68 - own, 0);
}

static void keep(void) { write(4, reader(4, CENTER, 192), 96); }

static void rest(int field) { bias(field, -102); }

static void excitable(void) {
    set_fields(ON_A_GROUND);
    int around = ONE_OF(RING, BOX), steep = between(192, 384), theta = between(38, 128);
    int recovery = between(0, 51), pace = between(6, 38), alone = steep * (theta + 48) / 128;
    int u = unit(alone - floor_div(steep * (64 * (128 + theta) - 154 * recovery), 4096));
    reads(u, 0, around, 4 * steep);
    reads(u, 1, CENTER, -6 * steep);
    reads(u, 4, CENTER, alone);
    write(0, u, 115);
    write(1, reader(1, CENTER, 64), 64 - pace);
    int fired = pace * between(64, 128) / 64;
    write(1, reader(0, CENTER, 64), fired < 102 ? fired : 102);
    bias(1, -3 - 10 * pace / 64);
    keep();
    rest(2), rest(3);
    int kind = ONE_OF(NOISE, PATCHES, SPARSE, GROUND), b = between(1, 2), q = between(1, 5);
    marked(kind, 1, b, q);
    rule.noise_shift = between(12, 14);
}

static void colonies(void) {
    set_fields(ON_A_GROUND);
    swing(0);
    int kernel = ONE_OF(BOX, BLUR), gain = between(160, 320), u = unit(gain * between(19, 32) / 64);
    reads(u, 4, kernel, gain);
    write(4, u, 96);
    rest(2), rest(3);
    marked(GROUND, 3, 5, between(1, 8));
    rule.shift = between(1, 4);
    rule.noise_shift = between(12, 14);
}

static void breathers(int still) {
    set_fields(ON_A_GROUND);
    rule.shift = between(1, 3);
    keep();
    if (still) swing(0), rest(2), rest(3);
    else swing(2), step(rule.shift);
    int kind = still ? ONE_OF(NOISE, SPARSE, PATCHES) : GROUND, b = ONE_OF(1, 2, 4, 7), q = between(8, 60);
    marked(kind, 1, b, q);
    rule.noise_shift = between(12, 14);
}

static void gliders(int still) {
    static const int WAYS[][2] = {{0, 1}, {1, 0}, {1, 1}, {0, -1}, {-1, 0}, {1, -1}, {-1, 1}, {-1, -1}};
    set_fields(ON_A_GROUND);
    keep();
    if (!still) step(0);
    for (int f = still ? 0 : 2; f < 4; f++) {
        int own = ONE_OF(CENTER, BLUR, BOX), alpha = between(64, 192);
        int seen = f % 2 ? CENTER : ONE_OF(CENTER, BLUR, CROSS), mu = between(128, 320);
        int gamma = between(-128, 128), u = unit(between(-64, 64));
        reads(u, f, own, alpha);
        reads(u, 4, seen, mu);
        reads(u, f ^ 1, BLUR, gamma);
        write(f, u, between(64, 96));
        bias(f, -between(6, 40));
    }
    const int *way = WAYS[between(0, 7)];
    carry(way[0], way[1]);
    int kind = still ? ONE_OF(NOISE, PATCHES, SPARSE) : GROUND, b = between(1, 3), q = between(8, 32);
    marked(kind, 1, b, q);
    rule.noise_shift = between(13, 15);
}

static void lifelike(void) {
    static const int BIRTHS[][2] = {{2, 2}, {2, 2}, {2, 3}, {1, 1}};
    static const int SURVIVALS[][2] = {{5, 7}, {5, 7}, {5, 7}, {6, 8}, {5, 8}, {3, 5}};
    set_fields(ON_A_GROUND);
    step(0);
    int births = chance(24), zero = births ? -1280 : 2176;
    const int *window = births ? BIRTHS[between(0, 3)] : SURVIVALS[between(0, 5)];
    int fade = between(0, births ? 16 : 56);
    for (int edge = 0; edge < 2; edge++) {
        int u = unit(zero - 128 * (edge ? 2 * window[1] + 1 : 2 * window[0] - 1));
        reads(u, 2, RING, births ? 1024 : 2048);
        reads(u, 2, CENTER, births ? -1152 : 128);
        if (births) reads(u, 3, CENTER, -1152);
        write(2, u, edge ? -70 : 70);
    }
    bias(2, -70);
    write(3, reader(3, CENTER, 64), fade);
    write(3, reader(2, CENTER, 256), 70 - fade);
    rest(4);
    free_start(births ? SPARSE : ONE_OF(NOISE, SPARSE, PATCHES));
    start.quiet = 1 << 0 | 1 << 1 | 1 << 4;
    rule.noise_shift = between(12, 14);
}

static void smooth(void) {
    set_fields(TWO_PAIRS);
    pair(2, 2, between(96, 256), 0, 0, &OF_SMOOTH);
    int gain = between(96, 224);
    for (int i = 0; i < 9; i++) {
        int u = unit(0);
        for (int f = 0; f < 4; f++) {
            int kernel = ONE_OF(BLUR, CENTER, BLUR, BOX, RING, CROSS, RIGHTWARD, DOWNWARD, LAPLACE);
            reads(u, f, kernel, floor_div(gain * between(-64, 64), 64));
        }
        rule.bias_in[u] = between(-40, 40);
        write(0, u, between(-44, 44));
        write(1, u, between(-44, 44));
    }
    anywhere();
    rule.shift = between(1, 4);
    rule.noise_shift = between(12, 14);
}

// Number n of a part of stream 2: uniform from -gain to gain.
static int uniform(int part, int gain, int n) {
    return (half(philox(2, part, n / 8, 0, scalar_index), n % 8) * (2 * gain + 1) >> 16) - gain;
}

static void plain_kernels(int part, int gain, int is_smooth, int16_t *weights) {
    for (int n = 0; n < 256; n++) {
        int whole = is_smooth ? uniform(part, 16 * gain, n) : 0;
        int kernel = is_smooth ? 5 * half(philox(2, part + 1, n / 8, 0, scalar_index), n % 8) >> 16 : 0;
        for (int tap = 0; tap < 9; tap++)
            *weights++ = is_smooth ? tap_share(kernel, whole, tap) : uniform(part, gain, 9 * n + tap);
    }
}

static void plain(void) {
    for (int c = 0; c < 16; c++) rule.fields[c] = c;
    int gain_in = between(24, 44), gain_out = between(16, 44), is_smooth = chance(8);
    rule.shift = is_smooth ? between(1, 3) : between(2, 4);
    rule.leak = ONE_OF(0, 16);
    anywhere();
    rule.noise_shift = between(11, 13);
    plain_kernels(0, gain_in, is_smooth, &rule.in[0][0][0]);
    plain_kernels(2, gain_out, is_smooth, &rule.out[0][0][0]);
    for (int c = 0; c < 16 && !is_smooth; c++) {
        rule.bias_in[c] = uniform(1, gain_in, c);
        rule.bias_out[c] = uniform(3, gain_out, c);
    }
}

static void draw_family(int family) {
    switch (family) {
    case 0: return turning(&SPIRALS);
    case 1: return turning(&WAVES);
    case 2: return turning(&FLOW);
    case 3: return turning(&DOMAINS);
    case 4: return turning(&TURBULENCE);
    case 5: return excitable();
    case 6: return colonies();
    case 7: return breathers(1);
    case 8: return breathers(0);
    case 9: return gliders(1);
    case 10: return gliders(0);
    case 11: return lifelike();
    case 12: return smooth();
    case 13: return plain();
    }
}
