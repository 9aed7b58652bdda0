// BATCH_MATMUL of integers for the DSP extension: four rows by two columns at a time; of 16 bits
// two rows by two columns.
//
// Some rows are laid out in scratch as pairs of 16-bit values, less their zero point. Then two
// columns at a time are, and multiplied with these rows. The columns' zero point takes as many
// times the sum of a row from all of its sums.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"
#include "ops/batch_matmul/xn_batch_matmul_dsp.h"

typedef struct {
    int32_t rows, columns, depth;
    // Elements that a step along each dimension moves; one of each is 1.
    struct {
        int32_t line, depth;
    } a, b;
    int32_t a_zero, b_zero, out_zero; // 0 of int16
    int32_t multiplier, shift;        // of int16: 15 bits and a right shift
    int32_t words;                    // that a row takes in scratch
    int32_t block;                    // rows that are in scratch at once
} XN_NAME(xn_batch_matmul_dsp_params);

#define BATCH_MATMUL_DSP_ROWS (XN_IS_16_BITS ? 2 : 4)

#if XN_IS_16_BITS

// A row as pairs, `rows` words apart.
XN_INLINE void XN_NAME(batch_matmul_dsp_row)(const XN_T *x, int32_t rows, uint32_t *to,
                                             const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t step = p->a.depth, i = 0;
#pragma clang loop unroll_count(4)
    for (; i + 2 <= p->depth; i += 2, x += 2 * step, to += rows) {
        *to = step == 1 ? xn_load_bytes(x) : (uint16_t)x[0] | (uint32_t)x[step] << 16;
    }
    if (i < p->depth) {
        *to = (uint16_t)x[0];
    }
}

// Two columns, the second `next` values from the first, as pairs in turn.
static inline void XN_NAME(batch_matmul_dsp_pack)(const XN_T *b, int32_t next, uint32_t *to,
                                                  const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t step = p->b.depth, i = 0;
#pragma clang loop unroll_count(4)
    for (; i + 2 <= p->depth; i += 2, b += 2 * step, to += 2) {
        uint32_t first = xn_load_bytes(b), second = xn_load_bytes(b + (step == 1 ? next : step));
        to[0] = step == 1 ? first : (first & 0xFFFFu) | second << 16;
        to[1] = step == 1 ? second : first >> 16 | (second & 0xFFFF0000u);
    }
    if (i < p->depth) {
        to[0] = (uint16_t)b[0];
        to[1] = (uint16_t)b[next];
    }
}

// Sums of one row by two columns that are rows of memory.
static inline void XN_NAME(batch_matmul_dsp_direct)(const uint32_t *row, const XN_T *b,
                                                    int32_t next, XN_SUM sums[2],
                                                    const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t i = p->depth;
#pragma clang loop unroll_count(4)
    for (; i >= 2; i -= 2, row++, b += 2) {
        sums[0] = __smlald((int32_t)*row, (int32_t)xn_load_bytes(b), sums[0]);
        sums[1] = __smlald((int32_t)*row, (int32_t)xn_load_bytes(b + next), sums[1]);
    }
    if (i > 0) {
        sums[0] += (int16_t)*row * b[0];
        sums[1] += (int16_t)*row * b[next];
    }
}

// Sums of one or two rows by two columns.
XN_INLINE void XN_NAME(batch_matmul_dsp_sums)(const uint32_t *rows, const uint32_t *columns,
                                              int32_t count, XN_SUM sums[4][2],
                                              const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    if (count == 1) {
#pragma clang loop unroll_count(4)
        for (int32_t i = 0; i < p->words; i++) {
            sums[0][0] = __smlald((int32_t)rows[i], (int32_t)columns[2 * i], sums[0][0]);
            sums[0][1] = __smlald((int32_t)rows[i], (int32_t)columns[2 * i + 1], sums[0][1]);
        }
        return;
    }
    uint32_t l00 = 0, h00 = 0, l01 = 0, h01 = 0, l10 = 0, h10 = 0, l11 = 0, h11 = 0;
    uint32_t w0, w1, xa, xb;
    BATCH_MATMUL_DSP_ALL(p->words);
    sums[0][0] = batch_matmul_dsp_join(l00, h00);
    sums[0][1] = batch_matmul_dsp_join(l01, h01);
    sums[1][0] = batch_matmul_dsp_join(l10, h10);
    sums[1][1] = batch_matmul_dsp_join(l11, h11);
}

#else

// Four values, of which `count` are there; the others are `zero`.
XN_INLINE uint32_t XN_NAME(batch_matmul_dsp_four)(const XN_T *x, int32_t step, int32_t count,
                                                  int32_t zero) {
    if (step == 1) {
        return xn_load_filled(x, count, zero);
    }
    uint32_t word = 0;
    for (int32_t k = 0; k < 4; k++) {
        word |= (uint32_t)(uint8_t)(k < count ? x[k * step] : zero) << (8 * k);
    }
    return word;
}

// Adds four values to a row's pairs; returns the sum of the row so far.
XN_INLINE int32_t XN_NAME(batch_matmul_dsp_put)(const XN_T *x, int32_t count, int32_t rows,
                                                uint32_t *to, int32_t sum,
                                                const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    const uint32_t zeros = ((uint32_t)p->a_zero & 0xFFFFu) * 0x00010001u;
    uint32_t word = XN_NAME(batch_matmul_dsp_four)(x, p->a.depth, count, p->a_zero);
    uint32_t even = (uint32_t)__ssub16((int32_t)xn_even_bytes(word), (int32_t)zeros);
    uint32_t odd = (uint32_t)__ssub16((int32_t)xn_odd_bytes(word), (int32_t)zeros);
    to[0] = even;
    to[rows] = odd;
    if (p->b_zero != 0) {
        sum = xn_add_products(even, 0x00010001u, xn_add_products(odd, 0x00010001u, sum));
    }
    return sum;
}

// A row as pairs of every second value, `rows` words apart; returns the sum.
XN_INLINE int32_t XN_NAME(batch_matmul_dsp_row)(const XN_T *x, int32_t rows, uint32_t *to,
                                                const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t sum = 0, i = p->depth;
#pragma clang loop unroll_count(2)
    for (; i >= 4; i -= 4, x += 4 * p->a.depth, to += 2 * rows) {
        sum = XN_NAME(batch_matmul_dsp_put)(x, 4, rows, to, sum, p);
    }
    return i > 0 ? XN_NAME(batch_matmul_dsp_put)(x, i, rows, to, sum, p) : sum;
}

// Four values of two columns, the second `next` values from the first: a word holds two of each,
// in the even and in the odd bytes. What is beyond their ends meets rows' values of 0.
XN_INLINE void XN_NAME(batch_matmul_dsp_pack_four)(const XN_T *b, int32_t next, int32_t count,
                                                   uint32_t *to,
                                                   const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    if (p->b.depth == 1) {
        uint32_t first = xn_load_filled(b, count, 0), second = xn_load_filled(b + next, count, 0);
        to[0] = (first & 0x00FF00FFu) | (second & 0x00FF00FFu) << 8;
        to[1] = (first >> 8 & 0x00FF00FFu) | (second & 0xFF00FF00u);
        return;
    }
    uint16_t both[4];
    for (int32_t k = 0; k < 4; k++) {
        both[k] = 0;
        if (k < count) {
            __builtin_memcpy(&both[k], b + k * p->b.depth, sizeof both[k]);
        }
    }
    to[0] = both[0] | (uint32_t)both[2] << 16;
    to[1] = both[1] | (uint32_t)both[3] << 16;
}

static inline void XN_NAME(batch_matmul_dsp_pack)(const XN_T *b, int32_t next, uint32_t *to,
                                                  const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t i = p->depth;
#pragma clang loop unroll_count(2)
    for (; i >= 4; i -= 4, b += 4 * p->b.depth, to += 2) {
        XN_NAME(batch_matmul_dsp_pack_four)(b, next, 4, to, p);
    }
    if (i > 0) {
        XN_NAME(batch_matmul_dsp_pack_four)(b, next, i, to, p);
    }
}

// Adds the products of four values.
XN_INLINE void XN_NAME(batch_matmul_dsp_add)(const uint32_t *row, uint32_t first, uint32_t second,
                                             XN_SUM sums[2]) {
    sums[0] = xn_add_products(row[0], xn_even_bytes(first), sums[0]);
    sums[0] = xn_add_products(row[1], xn_odd_bytes(first), sums[0]);
    sums[1] = xn_add_products(row[0], xn_even_bytes(second), sums[1]);
    sums[1] = xn_add_products(row[1], xn_odd_bytes(second), sums[1]);
}

// Adds the products of one row by two columns that are rows of memory.
static inline void XN_NAME(batch_matmul_dsp_direct)(const uint32_t *row, const XN_T *b,
                                                    int32_t next, XN_SUM sums[2],
                                                    const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t i = p->depth;
#pragma clang loop unroll_count(2)
    for (; i >= 4; i -= 4, row += 2, b += 4) {
        XN_NAME(batch_matmul_dsp_add)(row, xn_load_bytes(b), xn_load_bytes(b + next), sums);
    }
    if (i > 0) {
        XN_NAME(batch_matmul_dsp_add)(row, xn_load_some(b, i), xn_load_some(b + next, i), sums);
    }
}

// Adds the products of one or four rows by two columns.
XN_INLINE void XN_NAME(batch_matmul_dsp_sums)(const uint32_t *columns, const uint32_t *filter,
                                              int32_t count, XN_SUM sums[4][2],
                                              const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    int32_t quads = p->words / 2;
    if (count == 1) {
#pragma clang loop unroll_count(2)
        for (int32_t i = 0; i < 2 * quads; i++) {
            sums[0][0] = xn_add_products(columns[i], xn_even_bytes(filter[i]), sums[0][0]);
            sums[0][1] = xn_add_products(columns[i], xn_odd_bytes(filter[i]), sums[0][1]);
        }
        return;
    }
    int32_t s00 = sums[0][0], s01 = sums[0][1], s10 = sums[1][0], s11 = sums[1][1];
    int32_t s20 = sums[2][0], s21 = sums[2][1], s30 = sums[3][0], s31 = sums[3][1];
    uint32_t w0, w1, xa, xb;
    CONV_2D_DSP_ALL(BATCH_MATMUL_DSP_QUAD);
    CONV_2D_DSP_PUT(sums);
}

#endif

static inline XN_T XN_NAME(batch_matmul_dsp_scale)(XN_SUM sum,
                                                   const XN_NAME(xn_batch_matmul_dsp_params) * p) {
#if XN_IS_16_BITS
    return (XN_T)__ssat(xn_multiply_by_reduced_multiplier(sum, p->multiplier, p->shift), 16);
#else
    // Sums are below 2^30, since scratch is short.
    if (p->shift < 0 && p->shift >= -30) {
        int32_t y = xn_scale_double_rounding_30(sum, p->multiplier, -p->shift - 1, p->out_zero);
        return (XN_T)__ssat(y, 8);
    }
    int32_t y = xn_multiply_by_quantized_multiplier(sum, p->multiplier, p->shift);
    return (XN_T)__ssat(y + p->out_zero, 8);
#endif
}

// Rows that are done at once if `left` are: one more than there are costs less than one by one.
static inline int32_t XN_NAME(batch_matmul_dsp_next)(int32_t left) {
    return left >= (XN_IS_16_BITS ? 2 : 3) ? BATCH_MATMUL_DSP_ROWS : 1;
}

// `count` rows into scratch: of each group what its sums begin at, if that is not 0, and its pairs
// in turn.
static inline void XN_NAME(batch_matmul_dsp_rows)(const XN_T *a, int32_t count, uint32_t *to,
                                                  const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    for (int32_t row = 0; row < count;) {
        int32_t some = XN_NAME(batch_matmul_dsp_next)(count - row);
        uint32_t *base = to;
        to += XN_IS_16_BITS ? 0 : some;
#pragma clang loop unroll(disable)
        for (int32_t k = 0; k < some; k++) {
            const XN_T *x = a + xn_min(row + k, count - 1) * p->a.line;
#if XN_IS_16_BITS
            XN_NAME(batch_matmul_dsp_row)(x, some, to + k, p);
#else
            base[k] = (uint32_t)(-p->b_zero * XN_NAME(batch_matmul_dsp_row)(x, some, to + k, p));
#endif
        }
        (void)base;
        to += some * p->words;
        row += some;
    }
}

// The products of `some` rows in scratch, of which `count` are stored, with two columns: those in
// scratch or, if there are none, b.
XN_INLINE const uint32_t *
XN_NAME(batch_matmul_dsp_group)(const uint32_t *rows, const uint32_t *columns, const XN_T *b,
                                int32_t next, int32_t some, int32_t count, XN_T *out,
                                const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    XN_SUM sums[4][2] = {{0}};
#if !XN_IS_16_BITS
    for (int32_t k = 0; k < some; k++) {
        sums[k][0] = sums[k][1] = (int32_t)*rows++;
    }
#endif
    if (columns) {
        XN_NAME(batch_matmul_dsp_sums)(rows, columns, some, sums, p);
    } else {
        XN_NAME(batch_matmul_dsp_direct)(rows, b, next, sums[0], p);
    }
    for (int32_t k = 0; k < some && k < count; k++, out += p->columns) {
        out[0] = XN_NAME(batch_matmul_dsp_scale)(sums[k][0], p);
        if (p->columns > 1) {
            out[1] = XN_NAME(batch_matmul_dsp_scale)(sums[k][1], p);
        }
    }
    return rows + some * p->words;
}

// a, b: as in batch_matmul.c, one pair of matrices; out: [rows, columns]; scratch: two columns,
// then the rows.
XN_KERNEL void XN_NAME(xn_batch_matmul_dsp)(const XN_T *a, const XN_T *b, XN_T *out,
                                            uint32_t *scratch,
                                            const XN_NAME(xn_batch_matmul_dsp_params) * p) {
    uint32_t *rows = scratch + (XN_IS_16_BITS ? 2 : 1) * p->words;
    int32_t next = p->columns > 1 ? p->b.line : 0;
    for (int32_t row = 0; row < p->rows; row += p->block, out += p->block * p->columns) {
        int32_t count = xn_min(p->block, p->rows - row);
        XN_NAME(batch_matmul_dsp_rows)(a + row * p->a.line, count, rows, p);
        for (int32_t c = 0; c < p->columns; c += 2) {
            // The last two columns: one of them may be done already.
            int32_t first = xn_max(0, xn_min(c, p->columns - 2));
            const XN_T *two = b + first * p->b.line;
            const uint32_t *at = rows;
            XN_T *to = out + first;
            int32_t left = count;
            if (p->b.depth == 1 && XN_NAME(batch_matmul_dsp_next)(p->rows) == 1) {
                for (; left > 0; left--, to += p->columns) {
                    at = XN_NAME(batch_matmul_dsp_group)(at, 0, two, next, 1, 1, to, p);
                }
                continue;
            }
            XN_NAME(batch_matmul_dsp_pack)(two, next, scratch, p);
            for (; XN_NAME(batch_matmul_dsp_next)(left) > 1; left -= BATCH_MATMUL_DSP_ROWS) {
                at = XN_NAME(batch_matmul_dsp_group)(at, scratch, two, next, BATCH_MATMUL_DSP_ROWS,
                                                     left, to, p);
                to += BATCH_MATMUL_DSP_ROWS * p->columns;
            }
            for (; left > 0; left--, to += p->columns) {
                at = XN_NAME(batch_matmul_dsp_group)(at, scratch, two, next, 1, 1, to, p);
            }
        }
    }
}
