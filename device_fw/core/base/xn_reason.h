// Why something is refused: the rule that it breaks, the value it has, and what that may be.
#ifndef XN_REASON_H
#define XN_REASON_H

#include <stdint.h>

#ifndef XN_REASON_WORDS
#define XN_REASON_WORDS 1 // 0: only the error's number is told, and the texts take no memory
#endif

typedef struct xn_reason {
    const char *what; // a literal; NULL: nothing was noted
    uint32_t value, limit;
    uint32_t kind; // enum xn_reason_kind
} xn_reason;

enum xn_reason_kind {
    XN_REASON_VALUE = 0, // "`what` `value`"
    XN_REASON_LIMIT = 1, // "`what` `value`, limit `limit`"
    XN_REASON_CODE = 2,  // "`what` `limit` at `value`": an instruction in code
};

// Each notes a reason for `code`, and returns `code`.
#if XN_REASON_WORDS
int xn_reason_at(xn_reason *why, int code, const char *what, uint32_t value);
int xn_reason_limit(xn_reason *why, int code, const char *what, uint32_t value, uint32_t limit);
int xn_reason_code(xn_reason *why, int code, const char *what, uint32_t word, uint32_t at);
#else
static inline int xn_reason_at(xn_reason *why, int code, const char *what, uint32_t value) {
    (void)why, (void)what, (void)value;
    return code;
}
static inline int xn_reason_limit(xn_reason *why, int code, const char *what, uint32_t value,
                                  uint32_t limit) {
    (void)why, (void)what, (void)value, (void)limit;
    return code;
}
static inline int xn_reason_code(xn_reason *why, int code, const char *what, uint32_t word,
                                 uint32_t at) {
    (void)why, (void)what, (void)word, (void)at;
    return code;
}
#endif

#endif
