// Unpacks filters of which all values but one, which many are, are stored.
#include "ops/_shared/xn_packed.h"

typedef XN_T __attribute__((may_alias)) XN_PACKED_T;

// The values of a block that are stored, where its map has a bit, or their codes of some bits.
XN_INLINE const uint8_t *XN_NAME(unpack_sparse_run)(const uint8_t *from, const uint8_t *map,
                                                    const XN_PACKED_T *book, XN_PACKED_T *to,
                                                    int32_t count, XN_T fill, int32_t bits) {
    uint32_t codes = 0;
    int32_t left = 0; // bits of codes
    const uint32_t most = (1u << bits) - 1u;
#pragma clang loop unroll(disable)
    while (count > 0) {
        uint32_t flags = *map++;
        int32_t some = xn_min(count, 8);
        count -= some;
#pragma clang loop unroll(disable)
        for (; some > 0; some--, flags >>= 1) {
            XN_T value = fill;
            if ((flags & 1u) != 0 && bits == 0) {
                value = *(const XN_PACKED_T *)from;
                from += sizeof(XN_T);
            } else if ((flags & 1u) != 0) {
                if (left == 0) {
                    codes = *from++;
                    left = 8;
                }
                value = book[codes & most];
                codes >>= bits;
                left -= bits;
            }
            *to++ = value;
        }
    }
    return from;
}

// Arguments and result as those of xn_unpack_codes. A block's map has a bit for each of its values,
// the first one in the lowest bit; behind it are the values that are stored, or their codes.
XN_UNPACK const uint8_t *XN_NAME(xn_unpack_sparse)(const uint8_t *from, const XN_PACKED_T *book,
                                                   uint8_t *to, int32_t blocks,
                                                   const xn_packed *p) {
    int32_t bits = p->bits, run = p->run;
    XN_T fill = (XN_T)p->fill;
#pragma clang loop unroll(disable)
    for (; blocks > 0; blocks--) {
        to = xn_packed_copy(to, from, p->head);
        const uint8_t *map = from + p->head;
        XN_PACKED_T *values = (XN_PACKED_T *)to;
        from = map + p->map;
        if (bits == 0) {
            from = XN_NAME(unpack_sparse_run)(from, map, book, values, run, fill, 0);
        } else {
            from = XN_NAME(unpack_sparse_run)(from, map, book, values, run, fill, bits);
        }
        to += run * (int32_t)sizeof(XN_T);
        if (p->is_pairs) {
            xn_packed_pairs((uint8_t *)values, to);
        }
        to = xn_packed_copy(to, from, p->tail);
        from += p->tail;
    }
    return from;
}
