#include "base/xn_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define VERSION " version"
#define HASH "SHA-256 "
#define BYTES ", bytes"

static xn_error_note note;

int xn_error_at(int code, const char *what, uint32_t value) {
    note.code = code;
    note.what = what;
    note.value = value;
    note.has_limit = false;
    note.has_stop = false;
    note.has_word = false;
    note.is_plain = false;
    note.has_name = false;
    return code;
}

int xn_error_plain(int code, const char *what) {
    xn_error_at(code, what, 0);
    note.is_plain = true;
    return code;
}

int xn_error_limit(int code, const char *what, uint32_t value, uint32_t limit) {
    xn_error_at(code, what, value);
    note.limit = limit;
    note.has_limit = true;
    return code;
}

int xn_error_named(int code, const char *name, uint32_t version) {
    uint32_t n = (uint32_t)strlen(name);
    uint32_t most = (uint32_t)(sizeof(note.name) - sizeof(VERSION));
    n = n < most ? n : most;
    memcpy(note.name, name, n);
    memcpy(note.name + n, VERSION, sizeof(VERSION));
    return xn_error_at(code, note.name, version);
}

int xn_error_hash(int code, const uint8_t sha256[32], uint32_t bytes) {
    char *to = note.name + sizeof(HASH) - 1u;
    memcpy(note.name, HASH, sizeof(HASH) - 1u);
    for (uint32_t i = 0; i < 64u; i++) {
        *to++ = "0123456789abcdef"[sha256[i / 2u] >> (i % 2u == 0 ? 4u : 0u) & 15u];
    }
    memcpy(to, BYTES, sizeof(BYTES));
    return xn_error_at(code, note.name, bytes);
}

int xn_error_rule(int code, const char *name, const char *what, uint32_t value, uint32_t limit) {
    const char *const parts[] = {name, ": ", what};
    char *to = note.name;
    for (uint32_t i = 0; i < 3u; i++) {
        for (const char *from = parts[i]; *from != 0 && to < note.name + XN_ERROR_NAME_MAX;) {
            *to++ = *from++;
        }
    }
    *to = 0;
    (void)xn_error_limit(code, note.name, value, limit);
    note.has_limit = limit != 0;
    return code;
}

int xn_error_of(int code, const char *name) {
    note.has_name = note.what != note.name; // else it names an object already
    if (note.has_name) {
        memcpy(note.name, name, strlen(name) + 1u);
    }
    return code;
}

int xn_error_stop(int code, uint32_t step, const xn_port_stop *stop) {
    xn_error_at(code, "step", step);
    note.has_stop = true;
    note.stop = *stop;
    return code;
}

xn_error_note xn_error_keep(int code) {
    return note.code == code ? note : (xn_error_note){.code = code};
}

int xn_error_again(const xn_error_note *kept) {
    note = *kept;
    return kept->code;
}

int xn_error_reason(int code, const xn_reason *why) {
    xn_error_limit(code, why->what, why->value, why->limit);
    note.has_limit = why->kind == XN_REASON_LIMIT;
    note.has_word = why->kind == XN_REASON_CODE;
    return code;
}

// Text that grows within XN_ERROR_TEXT_MAX and always ends with 0.
typedef struct line {
    char *text;
    uint32_t used;
} line;

static void add(line *to, const char *text) {
    while (*text != 0 && to->used + 1u < XN_ERROR_TEXT_MAX) {
        to->text[to->used++] = *text++;
    }
    to->text[to->used] = 0;
}

static void add_number(line *to, uint32_t number) {
    char digits[11];
    uint32_t at = sizeof(digits) - 1u;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    add(to, digits + at);
}

static void add_hex(line *to, const char *what, uint32_t number) {
    char digits[] = "0x00000000";
    for (uint32_t i = 0; i < 8u; i++) {
        digits[9u - i] = "0123456789abcdef"[number >> 4u * i & 15u];
    }
    add(to, what);
    add(to, digits);
}

static void add_returned(line *to, int32_t returned) {
    add(to, returned < 0 ? " returned -" : " returned ");
    add_number(to, returned < 0 ? 0u - (uint32_t)returned : (uint32_t)returned);
}

static void add_stop(line *to, const xn_port_stop *stop) {
    add_hex(to, " at ", stop->pc);
    if (stop->address != 0xFFFFFFFFu) {
        add_hex(to, ", address ", stop->address);
    }
    if (stop->cfsr != 0) {
        add_hex(to, ", CFSR ", stop->cfsr);
    }
    if (stop->sfsr != 0) {
        add_hex(to, ", SFSR ", stop->sfsr);
    }
}

void xn_error_text(int code, char text[XN_ERROR_TEXT_MAX]) {
    line to = {text, 0};
    add(&to, xn_status_text(code));
    if (note.what != NULL && note.code == code) {
        add(&to, ": ");
        if (note.has_name) {
            add(&to, note.name);
            add(&to, ": ");
        }
        add(&to, note.what);
        if (note.has_word) {
            add_hex(&to, " ", note.limit);
            add(&to, " at");
        }
        if (!note.is_plain) {
            add(&to, " ");
            add_number(&to, note.value);
        }
        if (note.has_limit) {
            add(&to, ", limit ");
            add_number(&to, note.limit);
        }
        if (note.has_stop && code == XN_E_STEP) {
            add_returned(&to, note.stop.returned);
        } else if (note.has_stop) {
            add_stop(&to, &note.stop);
        }
    }
    note.what = NULL;
}
