#include "model/xn_unpack.h"

#include <stddef.h>

#define CONTEXTS 4u      // by how much the neighbours differ
#define SIZES 7u         // unary bits of a magnitude's logarithm
#define EVEN 2048u       // of 4096: both bits are as likely
#define FIRST_DIVISOR 3u // a model learns quickly at first,
#define LAST_DIVISOR 65u // then the mean of some 32 bits

// How likely a 1 is.
typedef struct model {
    uint16_t probability; // of 65536
    uint16_t divisor;     // of what the next bit moves it by
} model;

typedef struct models {
    model miss[2][CONTEXTS]; // by whether 0 is predicted
    model sign[CONTEXTS];
    model log[CONTEXTS][SIZES];
    model top[SIZES + 1u]; // the bit below a magnitude's highest
} models;

typedef struct decoder {
    const uint8_t *p;
    uint32_t left;
    uint32_t low, high, code;
} decoder;

typedef struct neighbours {
    int32_t west, north, northwest, northeast, west2, north2;
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

static uint32_t next_bit(decoder *d, model *m) {
    uint32_t probability = m->probability;
    uint32_t bit = bit_of(d, probability >> 4);
    if (bit) {
        probability += 2u * (65535u - probability) / m->divisor;
    } else {
        probability -= 2u * probability / m->divisor;
    }
    m->probability = (uint16_t)probability;
    if (m->divisor < LAST_DIVISOR) {
        m->divisor = (uint16_t)(m->divisor + 2u);
    }
    return bit;
}

// ---- The prediction ---------------------------------------------------------------------------

// What is outside counts as its neighbour.
static void look(neighbours *n, const xn_unpack_shape *s, const uint8_t *at, uint32_t i,
                 uint32_t column) {
    bool has_north = i >= s->row;
    bool has_west = column >= s->pixel;
    bool has_northeast = has_north && s->row - column > s->pixel;
    uint32_t flip = s->flip;
    n->north = has_north ? (int32_t)(*(at - s->row) ^ flip) : 0;
    n->west = has_west ? (int32_t)(*(at - s->pixel) ^ flip) : n->north;
    if (!has_north) {
        n->north = n->west;
    }
    n->northwest = has_north && has_west ? (int32_t)(*(at - s->row - s->pixel) ^ flip) : n->north;
    n->northeast = has_northeast ? (int32_t)(*(at - s->row + s->pixel) ^ flip) : n->north;
    n->west2 = has_west && column - s->pixel >= s->pixel
                   ? (int32_t)(*(at - s->pixel - s->pixel) ^ flip)
                   : n->west;
    n->north2 =
        has_north && i - s->row >= s->row ? (int32_t)(*(at - s->row - s->row) ^ flip) : n->north;
}

static int32_t distance(int32_t a, int32_t b) {
    return a < b ? b - a : a - b;
}

// The mean of west and north, moved along an edge and along the slopes that lead here. Shifts of
// negative numbers round down, as in Python.
static int32_t predict(const neighbours *n) {
    int32_t down = distance(n->west, n->northwest) + distance(n->north, n->north2);
    int32_t right = distance(n->west, n->west2) + distance(n->north, n->northwest);
    int32_t edge = distance(down, right);
    int32_t pull = edge > 80 ? 4 : edge > 32 ? 2 : edge > 8 ? 1 : 0;
    int32_t side = down > right ? n->west : n->north;
    int32_t mean = (2 * n->west + 2 * n->north + n->northeast - n->northwest) >> 2;
    mean += ((side - mean) * pull) >> 2;
    int32_t value = (6 * mean + 2 * n->west - n->west2 + 2 * n->north - n->north2) >> 3;
    return value < 0 ? 0 : value > 255 ? 255 : value;
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

// No value is beyond the lowest and the highest.
static int32_t miss(decoder *d, models *m, uint32_t context, int32_t predicted) {
    if (!next_bit(d, &m->miss[predicted == 0][context])) {
        return 0;
    }
    bool negative = predicted == 255;
    if (predicted > 0 && predicted < 255) {
        negative = next_bit(d, &m->sign[context]) != 0;
    }
    int32_t value = (int32_t)magnitude(d, m, context);
    return negative ? -value : value;
}

void xn_unpack(const xn_unpack_shape *shape, const uint8_t *packed, uint32_t n, uint8_t *to) {
    models m;
    decoder d;
    uint32_t column = 0;
    model *all = (model *)&m;
    for (size_t i = 0; i < sizeof(m) / sizeof(model); i++) {
        all[i] = (model){32768u, FIRST_DIVISOR};
    }
    begin(&d, packed, n);
    for (uint32_t i = 0; i < shape->size; i++) {
        neighbours near;
        look(&near, shape, to + i, i, column);
        int32_t value = predict(&near);
        value += miss(&d, &m, context_of(&near), value);
        to[i] = (uint8_t)((uint32_t)value ^ shape->flip);
        column = column + 1u == shape->row ? 0 : column + 1u;
    }
}
