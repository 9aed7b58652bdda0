// An order to a board, signed by a key of its policy: the bytes of docs/SPEC-trust.md, section 4.
#ifndef XN_ORDER_H
#define XN_ORDER_H

#include <stdint.h>

#define XN_ORDER_MAGIC "XPORDR1" // with its ending 0
#define XN_ORDER_SIGNED 128u     // bytes that the signature is over

enum xn_order_kind {
    XN_ORDER_UNLOCK = 1,
};

typedef struct xn_order {
    char magic[8];
    uint8_t kind; // enum xn_order_kind
    uint8_t reserved[3];
    uint32_t key_id;
    uint8_t board[16];
    uint8_t nonce[32];
    uint8_t reserved2[64];
    uint8_t signature[64];
} xn_order;

_Static_assert(sizeof(xn_order) == 192u, "order");

// Whether it is one to unlock this board, with the nonce that was said last: XN_OK, or XN_E_TRUST
// with the rule in words.
int xn_order_check(const xn_order *order, const uint8_t nonce[32]);

#endif
