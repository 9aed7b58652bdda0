#include "base/xn_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// The texts are the remarks of xn_status.h.
static const struct {
    int8_t code;
    const char *text;
} texts[] = {
    {XN_E_FRAME, "frame is malformed, too long or fails its CRC"},
    {XN_E_MSGPACK, "message is not the msgpack that its place asks for"},
    {XN_E_METHOD, "no such method"},
    {XN_E_PARAMS, "parameters have a wrong number, type or range"},
    {XN_E_BUSY, "the service is at work on another request"},
    {XN_E_TOO_LONG, "the reply does not fit a frame"},
    {XN_E_NOT_FOUND, "no object of that name"},
    {XN_E_NO_SPACE, "no free run of sectors is long enough"},
    {XN_E_NAME, "name is empty, too long or not printable"},
    {XN_E_RANGE, "offset or length lies outside"},
    {XN_E_FLASH, "flash did not take an erase or a program"},
    {XN_E_SESSION, "no such upload session, or it was replaced by another"},
    {XN_E_HASH, "SHA-256 of the bytes is not the stated one"},
    {XN_E_TYPE, "object is of another type"},
    {XN_E_STORE, "store is not readable: made by another format, or not formatted"},
    {XN_E_VERSION, "no such version: nothing to return to, or not on trial"},
    {XN_E_OCCUPIED, "other bytes are there already"},
    {XN_E_DAMAGED, "object is damaged: its bytes in flash are not those that were stored"},
    {XN_E_BUNDLE, "bundle breaks a rule of its format"},
    {XN_E_WEIGHTS, "weights that the model needs are not in the store"},
    {XN_E_NEEDED, "a model needs these weights"},
    {XN_E_BLOB_SHORT, "blob is shorter than its header says"},
    {XN_E_BLOB_MAGIC, "not a blob"},
    {XN_E_BLOB_VERSION, "blob format is newer than this firmware reads"},
    {XN_E_BLOB_HASH, "blob's SHA-256 is wrong"},
    {XN_E_BLOB_BOUNDS, "an offset or size in the blob points outside, or is misaligned"},
    {XN_E_BLOB_CPU, "blob holds no code for this CPU"},
    {XN_E_BLOB_GOLDEN, "golden vector: the outputs differ from the expected ones"},
    {XN_E_ARENA, "arena does not fit the free RAM"},
    {XN_E_STACK, "a step needs more stack than there is"},
    {XN_E_BLOB_CODE, "code holds an instruction or a branch that no kernel has"},
    {XN_E_NO_MODEL, "no model is active"},
    {XN_E_INPUT, "input has a wrong index or size"},
    {XN_E_ENTRY, "model has no such entry"},
    {XN_E_STEP, "a step reported that it cannot go on"},
    {XN_E_CHECK, "inputs are not those that the host wrote"},
    {XN_E_RESULT, "the result of that run is not there any more"},
    {XN_E_FAULT, "a step faulted"},
    {XN_E_DEADLINE, "time ran out"},
    {XN_E_STOPPED, "an interrupt or a new session ended the run"},
    {XN_E_PYTHON, "the Python code raised; detail holds the traceback"},
    {XN_E_INTERRUPTED, "the Python code was interrupted"},
    {XN_E_RESTARTED, "Python was restarted"},
#if XN_LOCKABLE
    {XN_E_SEAL, "seal is missing, or is not one for this object on this board"},
    {XN_E_COUNTER, "security counter is below the floor"},
    {XN_E_LOCKED, "board is locked"},
    {XN_E_TRUST, "policy, order or device key is refused"},
#endif
};

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

int xn_error_code(int code, const char *what, uint32_t word, uint32_t at) {
    xn_error_at(code, what, at);
    note.has_word = true;
    note.limit = word;
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

static const char *find(int code) {
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return "error";
}

void xn_error_text(int code, char text[XN_ERROR_TEXT_MAX]) {
    line to = {text, 0};
    add(&to, find(code));
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
