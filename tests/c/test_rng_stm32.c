// parts/rng_stm32.c, built for this machine, on a model of the generator with what can be wrong
// with it: RM0090, section 24; RM0351, section 27.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xn_port.h"
#include "parts/stm32.h"

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))
#define BYTES 37u
#define READS_UNTIL_READY 3u
#define NEVER UINT32_MAX

#ifndef XN_ENTROPY_SOURCE // a chip without a choice
#define XN_ENTROPY_SOURCE 0u
#define XN_ENTROPY_SOURCE_BITS 0u
#endif

enum { CR = XN_ENTROPY_BASE, SR = XN_ENTROPY_BASE + 4, DR = XN_ENTROPY_BASE + 8 };
enum { DRDY = 1, CECS = 2, SECS = 4, RNGEN = 4, CEIS = 32, SEIS = 64 };

void xn_rng_stm32_start(void);

typedef struct faults {
    uint32_t bit;          // SECS, CECS or 0
    uint32_t series, word; // where: of how many starts, before which word; NEVER: at no word
    bool always;           // at each start
    bool repeats, zero;    // that word is the one before; is 0
    bool silent;           // no word is ever ready
} faults;

static faults wrong;
static uint32_t clock_register, source_register, cr, sr, reads, series, words, last;

static void fail(int line, const char *condition) {
    printf("line %d: %s\n", line, condition);
    exit(1);
}

static uint32_t word_of(uint32_t of_series, uint32_t number) {
    return (of_series * 1000u + number + 1u) * 2654435761u;
}

static bool goes_wrong(void) {
    return (wrong.always || series == wrong.series) && words == wrong.word;
}

static void look(void) {
    if (!(cr & RNGEN) || wrong.silent || ++reads < READS_UNTIL_READY) {
        return;
    }
    if (goes_wrong() && wrong.bit != 0) {
        sr |= wrong.bit | wrong.bit << 4; // the state, and that it was; a word may be there too
    }
    sr |= DRDY;
}

static uint32_t read_word(void) {
    CHECK(sr & DRDY && !(sr & ~DRDY)); // nothing is read with an error
    sr &= ~(uint32_t)DRDY;
    reads = 0;
    uint32_t word = goes_wrong() && wrong.repeats ? last
                    : goes_wrong() && wrong.zero  ? 0
                                                  : word_of(series, words);
    words++;
    last = word;
    return word;
}

uint32_t xn_stm32_read(uint32_t address) {
    if (address == XN_ENTROPY_CLOCK) {
        return clock_register;
    }
    if (address == XN_ENTROPY_SOURCE) {
        return source_register;
    }
    CHECK(clock_register & 1u << XN_ENTROPY_CLOCK_BIT); // without a clock nothing answers
    if (address == SR) {
        look();
        return sr;
    }
    return address == DR ? read_word() : cr;
}

static void write_cr(uint32_t value) {
    CHECK((value & ~(uint32_t)RNGEN) == 0);
    if (value & ~cr & RNGEN) {
        CHECK(!(sr & (CEIS | SEIS))); // cleared before it is started again
        series++;
        words = reads = 0;
        sr &= ~(uint32_t)(CECS | SECS | DRDY);
    }
    cr = value;
}

void xn_stm32_write(uint32_t address, uint32_t value) {
    if (address == XN_ENTROPY_CLOCK) {
        clock_register = value;
        return;
    }
    if (address == XN_ENTROPY_SOURCE) {
        source_register = value;
        return;
    }
    CHECK(clock_register & 1u << XN_ENTROPY_CLOCK_BIT);
    CHECK(address == CR || address == SR);
    if (address == CR) {
        write_cr(value);
    } else {
        sr &= value | ~(uint32_t)(CEIS | SEIS); // 0 clears
    }
}

void xn_stm32_write_half(uint32_t address, uint16_t value) {
    xn_stm32_write(address, value);
}

void xn_stm32_write_byte(uint32_t address, uint8_t value) {
    xn_stm32_write(address, value);
}

// Asks for bytes of a generator with these faults: they come from the series `good`, from its
// second word on, or not at all.
static void expect(faults of, uint32_t good) {
    static const uint8_t zeros[BYTES];
    uint8_t bytes[BYTES + 1];
    uint8_t words_of_series[BYTES + 3];
    wrong = of;
    series = sr = cr = 0;
    memset(bytes, 0xA5, sizeof(bytes));
    const char *name = xn_port_entropy(bytes, BYTES);
    CHECK(bytes[BYTES] == 0xA5 && !(cr & RNGEN));
    if (good == NEVER) {
        CHECK(name == NULL && memcmp(bytes, zeros, BYTES) == 0);
        return;
    }
    for (uint32_t i = 0; i < (BYTES + 3u) / 4u; i++) {
        uint32_t word = word_of(good, i + 1u);
        memcpy(words_of_series + 4u * i, &word, 4);
    }
    CHECK(name != NULL && strcmp(name, "rng_stm32") == 0 && strlen(name) < 16u);
    CHECK(memcmp(bytes, words_of_series, BYTES) == 0);
}

int main(void) {
    xn_rng_stm32_start();
    CHECK(clock_register == 1u << XN_ENTROPY_CLOCK_BIT);
    CHECK(source_register == XN_ENTROPY_SOURCE_BITS);
    expect((faults){.word = NEVER}, 1);
    expect((faults){.silent = true, .word = NEVER}, NEVER);
    for (uint32_t word = 0; word < 11u; word++) { // one is only compared, ten are taken
        expect((faults){.bit = SECS, .series = 1, .word = word}, 2);
        expect((faults){.bit = CECS, .series = 1, .word = word}, 2);
        expect((faults){.zero = true, .series = 1, .word = word}, 2);
        expect((faults){.bit = SECS, .always = true, .word = word}, NEVER);
        expect((faults){.bit = CECS, .always = true, .word = word}, NEVER);
        expect((faults){.zero = true, .always = true, .word = word}, NEVER);
    }
    for (uint32_t word = 1; word < 11u; word++) {
        expect((faults){.repeats = true, .series = 1, .word = word}, 2);
        expect((faults){.repeats = true, .always = true, .word = word}, NEVER);
    }
    puts("ok");
    return 0;
}
