// The sweep goes over the code instruction by instruction. It knows what is a constant and no
// instruction: a word that an instruction before it reads as a literal, behind an unconditional
// branch; and everything from the first such branch on beyond which neither a step begins nor any
// branch so far leads. relocatable/targets/thumb_scan.py is its twin.
#include "model/xn_scan.h"

#include <stdbool.h>
#include <string.h>

#include "base/xn_status.h"
#include "model/xn_scan_table.h"

// Branches are compared with the starts of instructions in a window of the code at a time.
#define WINDOW_BYTES 16384u
// How far ahead a constant may be.
#define AHEAD_WORDS 1024u
// A vector, which ADR may be the address of.
#define VECTOR_WORDS 4u

typedef struct sweep {
    const uint16_t *code; // halfwords
    xn_reason *why;
    uint32_t at, end, window;
    uint32_t reach; // the last place that something leads to
    uint32_t left;  // instructions left of an IT block
    bool ended;     // nothing runs from the instruction before into this one
    // A bit for each halfword of the window: behind the sweep an instruction begins there; ahead of
    // it something leads there.
    uint32_t starts[WINDOW_BYTES / 64u];
    uint32_t constants[AHEAD_WORDS / 32u]; // a bit for each word ahead, by its number modulo 1024
} sweep;

static bool has(const uint32_t *bits, uint32_t i) {
    return (bits[i / 32u] >> i % 32u & 1u) != 0;
}

static void set(uint32_t *bits, uint32_t i) {
    bits[i / 32u] |= 1u << i % 32u;
}

static bool is_wide(uint32_t first) {
    return first >= 0xE800u;
}

static bool in_window(const sweep *s, uint32_t at) {
    return at - s->window < WINDOW_BYTES;
}

static bool is_start(const sweep *s, uint32_t at) {
    return in_window(s, at) && has(s->starts, (at - s->window) / 2u);
}

static void set_start(sweep *s, uint32_t at) {
    if (in_window(s, at)) {
        set(s->starts, (at - s->window) / 2u);
    }
}

// An instruction as a number: its first halfword in front.
static uint32_t word_at(const sweep *s) {
    uint32_t first = s->code[s->at / 2u];
    return first << 16 | (is_wide(first) && s->at + 2u < s->end ? s->code[s->at / 2u + 1u] : 0u);
}

static int refuse(const sweep *s, const char *what) {
    uint32_t word = s->at < s->end ? word_at(s) : 0;
    word = is_wide(word >> 16) ? word : word >> 16;
    return xn_reason_code(s->why, XN_E_BLOB_CODE, what, word, s->at);
}

static uint32_t kind_of(uint32_t word) {
    uint32_t high = word >> 24;
    uint32_t kind = (uint32_t)xn_scan_high[high / 2u] >> 4u * (high % 2u) & 15u;
    if (kind != XN_SCAN_ROWS) {
        return kind;
    }
    uint32_t i = high < 0xE8u ? 0 : xn_scan_first[high - 0xE8u];
    while (((word ^ xn_scan_rows[i].value) & xn_scan_rows[i].mask) != 0) {
        i++;
    }
    return xn_scan_kinds[i];
}

// Where a branch leads; UINT32_MAX for what is none.
static uint32_t target(uint32_t kind, uint32_t at, uint32_t word) {
    uint32_t first = word >> 16, value = first, bits = 8;
    uint32_t loop_bytes = (word << 1 & 0xFFCu) | (word >> 10 & 2u);
    at += 4u;
    switch (kind) {
    case XN_SCAN_CBZ:
        return at + ((first >> 3 & 0x40u) | (first >> 2 & 0x3Eu));
    case XN_SCAN_LOOP_START:
        return at + loop_bytes;
    case XN_SCAN_LOOP_END:
        return at - loop_bytes;
    case XN_SCAN_B_IF:
        break;
    case XN_SCAN_B:
        bits = 11;
        break;
    case XN_SCAN_B_IF_WIDE:
        value = (first << 7 & 0x20000u) | (first & 0x3Fu) << 11 | (word & 0x7FFu);
        bits = 18;
        break;
    case XN_SCAN_B_WIDE:
    case XN_SCAN_BL:
        value = first << 11 | (word & 0x7FFu);
        bits = 22;
        break;
    default:
        return UINT32_MAX;
    }
    return at + 2u * (uint32_t)((int32_t)(value << (32u - bits)) >> (32u - bits));
}

// Notes the words that an instruction may read as constants.
static void note_constants(sweep *s, uint32_t kind, uint32_t word) {
    uint32_t ahead = word >> 16 & 0xFFu, count = 1;
    switch (kind) {
    case XN_SCAN_LITERAL:
        break;
    case XN_SCAN_ADR:
        count = VECTOR_WORDS;
        break;
    case XN_SCAN_LITERAL_WIDE:
        ahead = (word & 0xFFFu) / 4u;
        break;
    case XN_SCAN_LITERAL_FLOAT:
        ahead = word & 0xFFu;
        count += word >> 8 & 1u; // double precision
        break;
    default:
        return;
    }
    uint32_t here = s->at / 4u;
    for (uint32_t i = here + 1u + ahead; count > 0 && i - here < AHEAD_WORDS; i++, count--) {
        set(s->constants, i % AHEAD_WORDS);
    }
}

// Passes what is no instruction.
static int skip(sweep *s, uint32_t bytes) {
    if (is_start(s, s->at) || (bytes == 4u && is_start(s, s->at + 2u))) {
        return refuse(s, "entry");
    }
    s->at += bytes;
    return XN_OK;
}

static bool ends(uint32_t kind) {
    return (1u << kind & (1u << XN_SCAN_RETURN | 1u << XN_SCAN_B | 1u << XN_SCAN_B_WIDE)) != 0;
}

static int pass_instruction(sweep *s) {
    uint32_t word = word_at(s), size = is_wide(word >> 16) ? 4u : 2u;
    uint32_t kind = kind_of(word), in_block = s->left;
    if (kind == XN_SCAN_REFUSED || s->at + size > s->end) {
        return refuse(s, "instruction");
    }
    uint32_t to = target(kind, s->at, word);
    if (in_block > 1u && (ends(kind) || to != UINT32_MAX)) {
        return refuse(s, "branch");
    }
    if (size == 4u && is_start(s, s->at + 2u)) {
        return refuse(s, "entry");
    }
    set_start(s, s->at);
    s->ended = ends(kind) && in_block == 0;
    s->left = in_block > 0 ? in_block - 1u : 0;
    if (kind == XN_SCAN_IT) {
        s->left = 4u - (uint32_t)__builtin_ctz(word >> 16);
    }
    note_constants(s, kind, word);
    if (to != UINT32_MAX) {
        if (to >= s->end || (to <= s->at && in_window(s, to) && !is_start(s, to))) {
            return refuse(s, "branch");
        }
        set_start(s, to);
        s->reach = to > s->reach ? to : s->reach;
    }
    s->at += size;
    return XN_OK;
}

static int advance(sweep *s) {
    if (s->at == s->end) {
        return refuse(s, "end");
    }
    uint32_t first = s->code[s->at / 2u], word = s->at / 4u % AHEAD_WORDS;
    bool constant = s->at % 4u == 0 && has(s->constants, word);
    s->constants[word / 32u] &= ~(1u << word % 32u);
    if (!s->ended) {
        return pass_instruction(s);
    }
    // What compilers and linkers put between functions: NOPs, zeros, LLD's filler.
    bool filler = first == 0xBF00u || first == 0x46C0u || first == 0 || first == 0xD4D4u;
    return constant ? skip(s, 4) : filler ? skip(s, 2) : pass_instruction(s);
}

int xn_scan_code(const uint8_t *code, uint32_t bytes, const uint32_t *steps, uint32_t count,
                 xn_reason *why) {
    sweep s = {.code = (const void *)code, .end = bytes, .why = why};
    int status = XN_OK;
    for (uint32_t i = 0; i < count; i++) {
        s.reach = steps[i] > s.reach ? steps[i] : s.reach;
    }
    for (; s.window < bytes && status == XN_OK; s.window += WINDOW_BYTES) {
        s.at = s.left = 0;
        s.ended = true;
        memset(s.starts, 0, sizeof(s.starts));
        memset(s.constants, 0, sizeof(s.constants));
        for (uint32_t i = 0; i < count; i++) {
            set_start(&s, steps[i]);
        }
        while (status == XN_OK && !(s.ended && s.reach < s.at)) {
            status = advance(&s);
        }
    }
    return status;
}
