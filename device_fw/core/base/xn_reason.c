#include "base/xn_reason.h"

#if XN_REASON_WORDS

int xn_reason_at(xn_reason *why, int code, const char *what, uint32_t value) {
    *why = (xn_reason){what, value, 0, XN_REASON_VALUE};
    return code;
}

int xn_reason_limit(xn_reason *why, int code, const char *what, uint32_t value, uint32_t limit) {
    *why = (xn_reason){what, value, limit, XN_REASON_LIMIT};
    return code;
}

int xn_reason_code(xn_reason *why, int code, const char *what, uint32_t word, uint32_t at) {
    *why = (xn_reason){what, at, word, XN_REASON_CODE};
    return code;
}

#endif
