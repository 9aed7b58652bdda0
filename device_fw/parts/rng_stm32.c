// The random number generator of an STM32: RM0090, section 24 (F405, F407), RM0351, section 27
// (L475). It needs the clock of 48 MHz. Words are taken as they come; nothing of a series in which
// an error was seen is given away, and nothing here waits for ever.
#include <string.h>

#include "core/base/xn_port.h"
#include "parts/stm32.h"

#define RNG_CR (XN_ENTROPY_BASE + 0x00u) // 24.4.1
#define RNG_SR (XN_ENTROPY_BASE + 0x04u) // 24.4.2
#define RNG_DR (XN_ENTROPY_BASE + 0x08u) // 24.4.3

#define CR_RNGEN (1u << 2)
#define SR_DRDY (1u << 0)
#define SR_CECS (1u << 1) // the clock is too slow now
#define SR_SECS (1u << 2) // the source of noise is at fault now
#define SR_CEIS (1u << 5) // it was
#define SR_SEIS (1u << 6)
#define SR_ERRORS (SR_CECS | SR_SECS | SR_CEIS | SR_SEIS)

#define TRIES 10000u // a word takes 40 cycles of the generator's clock
#define SERIES 3u

void xn_rng_stm32_start(void) {
#ifdef XN_ENTROPY_SOURCE // where the L4 chooses the clock of 48 MHz (RM0351 6.4.28)
    xn_stm32_change(XN_ENTROPY_SOURCE, 0, XN_ENTROPY_SOURCE_BITS);
#endif
    xn_stm32_change(XN_ENTROPY_CLOCK, 0, 1u << XN_ENTROPY_CLOCK_BIT);
    (void)xn_stm32_read(XN_ENTROPY_CLOCK); // two cycles until the device answers
}

// After an error the generator is cleared, then started again (24.3.2).
static void restart(void) {
    xn_stm32_write(RNG_SR, 0);
    xn_stm32_change(RNG_CR, CR_RNGEN, 0);
    xn_stm32_change(RNG_CR, 0, CR_RNGEN);
}

// An error that comes between the two reads makes the word 0 (RM0351 27.3.7).
static bool next_word(uint32_t *word) {
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t status = xn_stm32_read(RNG_SR);
        if (status & SR_ERRORS) {
            return false;
        }
        if (status & SR_DRDY) {
            *word = xn_stm32_read(RNG_DR);
            return *word != 0;
        }
    }
    return false;
}

// The first word after a start is only compared, and two equal ones in a row are an error: the
// continuous test of FIPS PUB 140-2 (24.3.1).
static bool fill(uint8_t *to, uint32_t n) {
    uint32_t last;
    uint32_t word;
    if (!next_word(&last)) {
        return false;
    }
    for (; n > 0; last = word) {
        uint32_t part = n < sizeof(word) ? n : (uint32_t)sizeof(word);
        if (!next_word(&word) || word == last) {
            return false;
        }
        memcpy(to, &word, part);
        to += part;
        n -= part;
    }
    return true;
}

const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    bool filled = false;
    for (uint32_t i = 0; i < SERIES && !filled; i++) {
        restart();
        filled = fill(to, n);
    }
    xn_stm32_change(RNG_CR, CR_RNGEN, 0);
    if (!filled) {
        memset(to, 0, n);
    }
    return filled ? "rng_stm32" : NULL;
}
