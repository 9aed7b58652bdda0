#include "xn_unpack.h"

#include <stddef.h>

#define CONTEXTS 4u // by how much the neighbours differ
#define SIZES 7u    // unary bits of a magnitude's logarithm
#define EVEN 2048u  // of 4096: both bits are as likely
#define RATE 4u     // of 2^-RATE a probability follows what it saw

typedef struct models {
    uint16_t miss[CONTEXTS];
    uint16_t sign[CONTEXTS];
    uint16_t log[CONTEXTS][SIZES];
    uint16_t top[SIZES + 1u]; // the bit below a magnitude's highest
} models;

typedef struct decoder {
    const uint8_t *p;
    uint32_t left;
    uint32_t low, high, code;
} decoder;

typedef struct neighbours {
    int32_t west, north, northwest, northeast;
} neighbours;

bool xn_unpack_fits(const xn_unpack_shape *shape) {
    return shape->pixel >= 1u && shape->row >= shape->pixel && shape->flip <= 0xFFu;
}

// ---- The arithmetic code ----------------------------------------------------------------------

// Beyond the end come zeros: the packer leaves out the last ones.
static void shift(decoder *d) {
    uint8_t byte = 0;
    if (d->left > 0) {
        byte = *d->p++;
        d->left--;
    }
    d->low <<= 8;
    d->high = d->high << 8 | 0xFFu;
    d->code = d->code << 8 | byte;
}

static void begin(decoder *d, const uint8_t *packed, uint32_t n) {
    *d = (decoder){packed, n, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        shift(d);
    }
    d->low = 0;
}

static uint32_t bit_of(decoder *d, uint32_t probability) {
    uint32_t middle = d->low + ((d->high - d->low) >> 12) * probability;
    uint32_t bit = d->code <= middle;
    if (bit) {
        d->high = middle;
    } else {
        d->low = middle + 1u;
    }
    while (((d->low ^ d->high) & 0xFF000000u) == 0) {
        shift(d);
    }
    return bit;
}

static uint32_t next_bit(decoder *d, uint16_t *model) {
    uint32_t probability = *model;
    uint32_t bit = bit_of(d, probability);
    probability =
        bit ? probability + ((4096u - probability) >> RATE) : probability - (probability >> RATE);
    *model = (uint16_t)probability;
    return bit;
}

// ---- The prediction ---------------------------------------------------------------------------

// What lies outside counts as its neighbour.
static void look(neighbours *n, const xn_unpack_shape *s, const uint8_t *at, uint32_t column,
                 bool has_north) {
    bool has_west = column >= s->pixel;
    uint32_t flip = s->flip;
    n->north = has_north ? (int32_t)(*(at - s->row) ^ flip) : 0;
    n->west = has_west ? (int32_t)(*(at - s->pixel) ^ flip) : n->north;
    if (!has_north) {
        n->north = n->west;
    }
    n->northwest = has_north && has_west ? (int32_t)(*(at - s->row - s->pixel) ^ flip) : n->north;
    bool has_northeast = has_north && s->row - column > s->pixel;
    n->northeast = has_northeast ? (int32_t)(*(at - s->row + s->pixel) ^ flip) : n->north;
}

// The median of west, north, and the plane through the three.
static int32_t predict(const neighbours *n) {
    int32_t less = n->west < n->north ? n->west : n->north;
    int32_t more = n->west < n->north ? n->north : n->west;
    if (n->northwest >= more) {
        return less;
    }
    return n->northwest <= less ? more : n->west + n->north - n->northwest;
}

static int32_t distance(int32_t a, int32_t b) {
    return a < b ? b - a : a - b;
}

static uint32_t context_of(const neighbours *n) {
    int32_t activity = distance(n->west, n->northwest) + distance(n->north, n->northwest) +
                       distance(n->northeast, n->north);
    return (activity > 0 ? 1u : 0u) + (activity > 8 ? 1u : 0u) + (activity > 40 ? 1u : 0u);
}

// ---- What the prediction missed ---------------------------------------------------------------

static uint32_t magnitude(decoder *d, models *m, uint32_t context) {
    uint32_t log = 0;
    while (log < SIZES && next_bit(d, &m->log[context][log])) {
        log++;
    }
    uint32_t value = 1;
    for (uint32_t i = log; i > 0; i--) {
        uint32_t bit = i == log ? next_bit(d, &m->top[log]) : bit_of(d, EVEN);
        value = value << 1 | bit;
    }
    return value;
}

static int32_t miss(decoder *d, models *m, uint32_t context) {
    if (!next_bit(d, &m->miss[context])) {
        return 0;
    }
    uint32_t negative = next_bit(d, &m->sign[context]);
    int32_t value = (int32_t)magnitude(d, m, context);
    return negative ? -value : value;
}

void xn_unpack(const xn_unpack_shape *shape, const uint8_t *packed, uint32_t n, uint8_t *to) {
    models m;
    decoder d;
    uint32_t column = 0;
    uint16_t *all = (uint16_t *)&m;
    for (size_t i = 0; i < sizeof(m) / sizeof(uint16_t); i++) {
        all[i] = EVEN;
    }
    begin(&d, packed, n);
    for (uint32_t i = 0; i < shape->size; i++) {
        neighbours near;
        look(&near, shape, to + i, column, i >= shape->row);
        int32_t value = predict(&near) + miss(&d, &m, context_of(&near));
        to[i] = (uint8_t)((uint32_t)value ^ shape->flip);
        column = column + 1u == shape->row ? 0 : column + 1u;
    }
}
