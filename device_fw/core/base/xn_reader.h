// A bounded reader: the only way this library looks at bytes that it did not make.
#ifndef XN_READER_H
#define XN_READER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct xn_reader {
    const uint8_t *p; // next byte
    uint32_t left;    // bytes from p on
} xn_reader;

static inline xn_reader xn_reader_of(const void *bytes, uint32_t n) {
    xn_reader r = {(const uint8_t *)bytes, n};
    return r;
}

// The next n bytes, or NULL (and nothing is taken) if fewer are left.
static inline const uint8_t *xn_reader_take(xn_reader *r, uint32_t n) {
    if (r->left < n) {
        return NULL;
    }
    const uint8_t *at = r->p;
    r->p += n;
    r->left -= n;
    return at;
}

#endif
