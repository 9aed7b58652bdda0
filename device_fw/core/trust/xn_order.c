#include "trust/xn_order.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "trust/xn_device.h"
#include "trust/xn_ed25519.h"
#include "trust/xn_policy.h"

static bool is_zero(const uint8_t *bytes, uint32_t n) {
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static int refuse(const char *rule) {
    return xn_error_plain(XN_E_TRUST, rule);
}

int xn_order_check(const xn_order *order, const uint8_t nonce[32]) {
    uint8_t board[16];
    if (memcmp(order->magic, XN_ORDER_MAGIC, sizeof(order->magic)) != 0) {
        return refuse("these bytes are no order");
    }
    if (order->kind != XN_ORDER_UNLOCK) {
        return xn_error_limit(XN_E_TRUST, "kind of the order", order->kind, XN_ORDER_UNLOCK);
    }
    if (!is_zero(order->reserved, sizeof(order->reserved)) ||
        !is_zero(order->reserved2, sizeof(order->reserved2))) {
        return refuse("reserved bytes of the order are not 0");
    }
    const uint8_t *key = xn_policy_key(order->key_id);
    if (key == NULL) {
        return refuse("the order's key is not of this board's policy");
    }
    xn_device_id(board);
    if (memcmp(order->board, board, sizeof(board)) != 0) {
        return refuse("the order is for another board");
    }
    if (memcmp(order->nonce, nonce, sizeof(order->nonce)) != 0) {
        return refuse("the order's nonce is not that of the last challenge");
    }
    xn_busy_begin_apart();
    bool right = xn_ed25519_check(order->signature, key, (const uint8_t *)order, XN_ORDER_SIGNED);
    xn_busy_end_apart();
    return right ? XN_OK : refuse("the order's signature is wrong");
}
