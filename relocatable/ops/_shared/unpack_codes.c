// Unpacks filters that are stored as codes: indices, of 2, 4 or 8 bits, into codebooks.
#include "ops/_shared/xn_packed.h"

typedef XN_T __attribute__((may_alias)) XN_PACKED_T;

// Some values of one channel. Their codes fill whole bytes, the first one in the lowest bits.
XN_INLINE const uint8_t *XN_NAME(unpack_codes_run)(const uint8_t *from, const XN_PACKED_T *book,
                                                   XN_PACKED_T *to, int32_t count, int32_t bits) {
    const int32_t each = 8 / bits;
    const uint32_t most = (1u << bits) - 1u;
#pragma clang loop unroll(disable) vectorize(disable)
    for (; count >= each; count -= each) {
        uint32_t codes = *from++;
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < each; i++) {
            *to++ = book[codes >> (i * bits) & most];
        }
    }
    if (count > 0) {
        uint32_t codes = *from++;
#pragma clang loop unroll(disable)
        for (; count > 0; count--, codes >>= bits) {
            *to++ = book[codes & most];
        }
    }
    return from;
}

// from: where a block begins; book: the one of all blocks, if each has none of its own; to: the
// blocks' filters. Returns where the next block begins.
XN_UNPACK const uint8_t *XN_NAME(xn_unpack_codes)(const uint8_t *from, const XN_PACKED_T *book,
                                                  uint8_t *to, int32_t blocks, const xn_packed *p) {
    int32_t bits = p->bits;
#pragma clang loop unroll(disable)
    for (; blocks > 0; blocks--) {
        if (p->book > 0) {
            book = (const XN_PACKED_T *)from;
            from += p->channels * p->book * (int32_t)sizeof(XN_T);
        }
        to = xn_packed_copy(to, from, p->head);
        from += p->head;
        uint8_t *begin = to;
#pragma clang loop unroll(disable)
        for (int32_t turn = 0; turn <= p->turns; turn++) {
            int32_t run = turn < p->turns ? p->run : p->rest;
            const XN_PACKED_T *own = book;
#pragma clang loop unroll(disable)
            for (int32_t c = p->channels; c > 0; c--) {
                if (bits == 4) {
                    from = XN_NAME(unpack_codes_run)(from, own, (XN_PACKED_T *)to, run, 4);
                } else if (bits == 2) {
                    from = XN_NAME(unpack_codes_run)(from, own, (XN_PACKED_T *)to, run, 2);
                } else {
                    from = XN_NAME(unpack_codes_run)(from, own, (XN_PACKED_T *)to, run, 8);
                }
                to += run * (int32_t)sizeof(XN_T);
                own += p->book;
            }
        }
        if (p->is_pairs) {
            xn_packed_pairs(begin, to);
        }
        to = xn_packed_copy(to, from, p->tail);
        from += p->tail;
    }
    return from;
}
