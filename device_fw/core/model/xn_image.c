#include "model/xn_image.h"

#include <string.h>

// Weights of the resizer have this many fractional bits: 8 bits of pixel, 2 of headroom, in 32.
#define WEIGHT_BITS 22
#define WEIGHT_HALF (1 << (WEIGHT_BITS - 1))

// Constants of type double, also where a port compiles with -fsingle-precision-constant.
#define HALF ((double)1 / 2)
#define ONE ((double)1)

bool xn_image_valid(uint32_t width, uint32_t height, uint32_t channels) {
    return width >= 1u && width <= XN_IMAGE_SIDE_MAX && height >= 1u &&
           height <= XN_IMAGE_SIDE_MAX && channels >= 1u && channels <= XN_IMAGE_CHANNELS_MAX;
}

static uint8_t *row_of(const xn_image *image, uint32_t y) {
    return image->at + (uint32_t)(y * image->row);
}

xn_image xn_image_part(const xn_image *whole, uint32_t left, uint32_t top, uint32_t width,
                       uint32_t height) {
    xn_image part = *whole;
    part.at = row_of(whole, top) + left * whole->channels;
    part.width = width;
    part.height = height;
    return part;
}

void xn_image_copy(const xn_image *from, const xn_image *to) {
    for (uint32_t y = 0; y < to->height; y++) {
        memmove(row_of(to, y), row_of(from, y), to->width * to->channels);
    }
}

void xn_image_fill(const xn_image *to, uint8_t value) {
    for (uint32_t y = 0; y < to->height; y++) {
        memset(row_of(to, y), value, to->width * to->channels);
    }
}

// ---- Nearest ------------------------------------------------------------------------------------

// The index whose area [i, i + 1) * to / from holds the centre of target pixel `at`.
static uint32_t nearest(uint32_t at, uint32_t from, uint32_t to) {
    return (2u * at + 1u) * from / (2u * to);
}

void xn_image_nearest(const xn_image *from, const xn_image *to) {
    uint32_t channels = to->channels;
    for (uint32_t y = 0; y < to->height; y++) {
        const uint8_t *row = row_of(from, nearest(y, from->height, to->height));
        uint8_t *out = row_of(to, y);
        for (uint32_t x = 0; x < to->width; x++) {
            const uint8_t *pixel = row + nearest(x, from->width, to->width) * channels;
            for (uint32_t c = 0; c < channels; c++) {
                *out++ = pixel[c];
            }
        }
    }
}

// ---- Bilinear -----------------------------------------------------------------------------------

// One axis: the source pixels that a target pixel is made of.
typedef struct axis {
    uint32_t from, to;
    double scale;   // source pixels for one target pixel
    double support; // half the width of the triangle, source pixels
} axis;

static axis axis_of(uint32_t from, uint32_t to) {
    axis a = {from, to, (double)from / to, ONE};
    if (a.scale > ONE) {
        a.support = a.scale;
    }
    return a;
}

static uint32_t most_weights(const axis *a) {
    uint32_t whole = (uint32_t)a->support;
    return (whole < a->support ? whole + 1u : whole) * 2u + 1u;
}

// The weights of target pixel `at`, and the first source pixel that they belong to; their count.
// `shares` has room for as many.
static uint32_t weigh(const axis *a, uint32_t at, double *shares, uint32_t *first,
                      int32_t *weights) {
    double center = (at + HALF) * a->scale;
    double low = center - a->support + HALF;
    double high = center + a->support + HALF;
    double shrink = ONE / a->support;
    double sum = 0;
    uint32_t start = low < 0 ? 0u : (uint32_t)low;
    uint32_t end = high > a->from ? a->from : (uint32_t)high;
    for (uint32_t i = start; i < end; i++) {
        double x = (i - center + HALF) * shrink;
        x = x < 0 ? -x : x;
        double share = x < ONE ? ONE - x : 0;
        shares[i - start] = share;
        sum += share;
    }
    for (uint32_t i = 0; i < end - start; i++) {
        weights[i] = (int32_t)(HALF + shares[i] / sum * (1 << WEIGHT_BITS));
    }
    *first = start;
    return end - start;
}

typedef struct resizer {
    const xn_image *from;
    uint32_t channels, width; // of the target
    const uint32_t *firsts;   // [width]
    const uint32_t *counts;   // [width]
    const int32_t *weights;   // [width][most]
    uint32_t most;
} resizer;

static uint8_t rounded(int32_t sum) {
    return (uint8_t)(sum >> WEIGHT_BITS); // weights are >= 0 and sum up to 1: it fits
}

static void pixel_1(const uint8_t *in, const int32_t *w, uint32_t n, uint8_t *out) {
    int32_t sum = WEIGHT_HALF;
    for (uint32_t i = 0; i < n; i++) {
        sum += in[i] * w[i];
    }
    *out = rounded(sum);
}

static void pixel_3(const uint8_t *in, const int32_t *w, uint32_t n, uint8_t *out) {
    int32_t a = WEIGHT_HALF, b = WEIGHT_HALF, c = WEIGHT_HALF;
    for (uint32_t i = 0; i < n; i++, in += 3) {
        a += in[0] * w[i];
        b += in[1] * w[i];
        c += in[2] * w[i];
    }
    out[0] = rounded(a);
    out[1] = rounded(b);
    out[2] = rounded(c);
}

static void pixel_any(const uint8_t *in, const int32_t *w, uint32_t n, uint8_t *out, uint32_t c) {
    for (uint32_t j = 0; j < c; j++) {
        int32_t sum = WEIGHT_HALF;
        for (uint32_t i = 0; i < n; i++) {
            sum += in[i * c + j] * w[i];
        }
        out[j] = rounded(sum);
    }
}

static void resize_row(const resizer *r, uint32_t y, uint8_t *out) {
    const uint8_t *row = row_of(r->from, y);
    const int32_t *weights = r->weights;
    for (uint32_t x = 0; x < r->width; x++, weights += r->most, out += r->channels) {
        const uint8_t *in = row + r->firsts[x] * r->channels;
        if (r->channels == 1u) {
            pixel_1(in, weights, r->counts[x], out);
        } else if (r->channels == 3u) {
            pixel_3(in, weights, r->counts[x], out);
        } else {
            pixel_any(in, weights, r->counts[x], out, r->channels);
        }
    }
}

// A row of the target out of `n` rows of the ring, the first of which is row `first` of the source.
static void blend_rows(const uint8_t *ring, uint32_t ring_rows, uint32_t first, const int32_t *w,
                       uint32_t n, uint8_t *out, uint32_t bytes) {
    for (uint32_t x = 0; x < bytes; x++) {
        int32_t sum = WEIGHT_HALF;
        uint32_t slot = first % ring_rows;
        for (uint32_t i = 0; i < n; i++) {
            sum += ring[slot * bytes + x] * w[i];
            slot = slot + 1u == ring_rows ? 0u : slot + 1u;
        }
        out[x] = rounded(sum);
    }
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

uint32_t xn_image_bilinear_work(const xn_image *from, const xn_image *to) {
    axis across = axis_of(from->width, to->width);
    axis down = axis_of(from->height, to->height);
    uint32_t most = most_weights(&across), ring_rows = most_weights(&down);
    uint32_t words = to->width * (2u + most) + ring_rows;
    return larger(most, ring_rows) * 8u + words * 4u + ring_rows * to->width * to->channels;
}

void xn_image_bilinear(const xn_image *from, const xn_image *to, void *work) {
    axis across = axis_of(from->width, to->width);
    axis down = axis_of(from->height, to->height);
    uint32_t most = most_weights(&across), ring_rows = most_weights(&down);
    uint32_t bytes = to->width * to->channels;
    double *shares = work;
    uint32_t *firsts = (uint32_t *)(shares + larger(most, ring_rows)), *counts = firsts + to->width;
    int32_t *weights = (int32_t *)(void *)(counts + to->width);
    int32_t *row_weights = weights + to->width * most;
    uint8_t *ring = (uint8_t *)(row_weights + ring_rows);
    for (uint32_t x = 0; x < to->width; x++) {
        counts[x] = weigh(&across, x, shares, &firsts[x], weights + x * most);
    }
    resizer r = {from, to->channels, to->width, firsts, counts, weights, most};
    uint32_t ready = 0; // rows of the source that were resized
    for (uint32_t y = 0; y < to->height; y++) {
        uint32_t first;
        uint32_t n = weigh(&down, y, shares, &first, row_weights);
        for (ready = ready < first ? first : ready; ready < first + n; ready++) {
            resize_row(&r, ready, ring + ready % ring_rows * bytes);
        }
        blend_rows(ring, ring_rows, first, row_weights, n, row_of(to, y), bytes);
    }
}

// ---- Letterbox ----------------------------------------------------------------------------------

// Nearest, halves to even; at least 1.
static uint32_t round_side(double x, uint32_t most) {
    uint32_t floor = (uint32_t)x;
    double rest = x - floor;
    uint32_t side = floor + (rest > HALF || (rest == HALF && floor % 2u != 0u) ? 1u : 0u);
    side = side < 1u ? 1u : side;
    return side < most ? side : most;
}

xn_image xn_image_letterbox(const xn_image *from, const xn_image *into) {
    double across = (double)into->width / from->width;
    double down = (double)into->height / from->height;
    double scale = across < down ? across : down;
    uint32_t width = round_side(from->width * scale, into->width);
    uint32_t height = round_side(from->height * scale, into->height);
    return xn_image_part(into, (into->width - width) / 2u, (into->height - height) / 2u, width,
                         height);
}

// ---- Formats ------------------------------------------------------------------------------------

uint32_t xn_image_pixel_bytes(enum xn_image_format format) {
    return format == XN_IMAGE_GRAY ? 1u : format == XN_IMAGE_RGB ? 3u : 2u;
}

// ITU-R 601, rounded.
static uint8_t luma(uint32_t r, uint32_t g, uint32_t b) {
    return (uint8_t)((r * 19595u + g * 38470u + b * 7471u + 0x8000u) >> 16);
}

static void read_pixel(const uint8_t *at, enum xn_image_format format, uint8_t rgb[3]) {
    if (format == XN_IMAGE_GRAY) {
        rgb[0] = rgb[1] = rgb[2] = at[0];
    } else if (format == XN_IMAGE_RGB) {
        memcpy(rgb, at, 3);
    } else {
        uint32_t word =
            format == XN_IMAGE_RGB565 ? at[0] | (uint32_t)at[1] << 8 : at[1] | (uint32_t)at[0] << 8;
        uint32_t r = word >> 11, g = word >> 5 & 63u, b = word & 31u;
        rgb[0] = (uint8_t)(r << 3 | r >> 2);
        rgb[1] = (uint8_t)(g << 2 | g >> 4);
        rgb[2] = (uint8_t)(b << 3 | b >> 2);
    }
}

void xn_image_convert(const uint8_t *from, enum xn_image_format from_format, uint8_t *to,
                      enum xn_image_format to_format, uint32_t pixels) {
    uint32_t step = xn_image_pixel_bytes(from_format);
    for (uint32_t i = 0; i < pixels; i++, from += step) {
        uint8_t rgb[3];
        read_pixel(from, from_format, rgb);
        if (to_format == XN_IMAGE_RGB) {
            memcpy(to, rgb, 3);
            to += 3;
        } else {
            *to++ = from_format == XN_IMAGE_GRAY ? rgb[0] : luma(rgb[0], rgb[1], rgb[2]);
        }
    }
}

// ---- Numbers ------------------------------------------------------------------------------------

static float round_away(float x) {
    float size = (x < 0.0f ? -x : x) + 0.5f;
    if (size < 8388608.0f) { // beyond it has no fraction
        size = (float)(int32_t)size;
    }
    return x < 0.0f ? -size : size;
}

void xn_image_quantise_table(const xn_image_scaling *s, bool is_signed, uint8_t table[256]) {
    float low = is_signed ? -128.0f : 0.0f, high = is_signed ? 127.0f : 255.0f;
    for (int32_t i = 0; i < 256; i++) {
        float real = ((float)i - s->mean) / s->std;
        float number = round_away(real / s->scale) + (float)s->zero_point;
        // This order makes NaN, of a std of 0, the lowest.
        number = number > low ? number : low;
        number = number < high ? number : high;
        table[i] = (uint8_t)(int32_t)number;
    }
}

void xn_image_map(const uint8_t *from, uint8_t *to, uint32_t pixels, uint32_t channels,
                  const uint8_t (*tables)[256]) {
    for (uint32_t c = 0; c < channels; c++) {
        const uint8_t *table = tables[c];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < pixels; i++) {
            to[i * channels + c] = table[from[i * channels + c]];
        }
    }
}
