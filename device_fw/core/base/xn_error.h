// What went wrong, in words: a status code, and the rule, value and place of the last failure.
#ifndef XN_ERROR_H
#define XN_ERROR_H

#include <stdint.h>

#include "base/xn_port.h"
#include "base/xn_reason.h"
#include "base/xn_status.h"

#define XN_ERROR_TEXT_MAX 160u // the ending 0 included

#define XN_ERROR_NAME_MAX 79u // bytes of an object's name and what follows it

typedef struct xn_error_note {
    int code;
    const char *what; // NULL: nothing noted
    uint32_t value, limit;
    bool has_limit;
    bool has_stop;
    bool has_word; // `limit` is an instruction
    bool is_plain; // `what` says all
    bool has_name; // what xn_error_of() was given comes first
    xn_port_stop stop;
    char name[XN_ERROR_NAME_MAX + 1u]; // what xn_error_named() or xn_error_of() was given
} xn_error_note;

// Notes what was seen for the message of `code` and returns `code`: "<text>: `what` `value`",
// "<text>: `what` `value`, limit `limit`". `what` is a literal.
int xn_error_at(int code, const char *what, uint32_t value);
int xn_error_limit(int code, const char *what, uint32_t value, uint32_t limit);
int xn_error_plain(int code, const char *what); // "<text>: `what`"
// Notes an object: "<text>: `name` version `version`".
int xn_error_named(int code, const char *name, uint32_t version);
// Notes an object and a rule: "<text>: `name`: `what` `value`, limit `limit`".
int xn_error_rule(int code, const char *name, const char *what, uint32_t value, uint32_t limit);
// Puts an object's name before the last note, unless that names one.
int xn_error_of(int code, const char *name);
// Notes bytes by their hash: "<text>: SHA-256 <64 digits>, bytes `bytes`".
int xn_error_hash(int code, const uint8_t sha256[32], uint32_t bytes);
// Notes a reason: "<text>: " and what its kind says.
int xn_error_reason(int code, const xn_reason *why);
// Notes how a step was stopped: "<text>: step `step` at 0x.., address 0x.., CFSR 0x..".
int xn_error_stop(int code, uint32_t step, const xn_port_stop *stop);
// The last note, if it was for `code`, to be noted again later: returns its code.
xn_error_note xn_error_keep(int code);
int xn_error_again(const xn_error_note *kept);
// The message of `code`, with the last note if that was for this code; forgets the note. Terminated
// by 0.
void xn_error_text(int code, char text[XN_ERROR_TEXT_MAX]);

#endif
