// Clock of an STM32L4: its own oscillator (MSI) at 48 MHz, right to 1 %, without a crystal or the
// PLL. Sections are those of RM0351.
#include "arch/cortexm/clock.h"
#include "parts/stm32.h"

#define RCC_CR 0x40021000u    // 6.4.1
#define FLASH_ACR 0x40022000u // 3.7.1

#define CR_MSIRDY (1u << 1)
#define CR_MSIRGSEL (1u << 3)
#define CR_MSIRANGE (15u << 4)
#define CR_MSIRANGE_48_MHZ (11u << 4)
#define ACR_LATENCY 7u
#define ACR_PREFETCH (1u << 8)
#define ACR_CACHES (3u << 9)
#define WAIT_STATES 2u // table 9: for 48 MHz in voltage range 1, which is that of a reset

_Static_assert(XN_CLOCK_HZ == 48000000u, "the oscillator runs at 48 MHz");

#define RESET_HZ 4000000u
#define TRIES 100000u

static bool settles(uint32_t address, uint32_t mask, uint32_t wanted) {
    for (uint32_t i = 0; i < TRIES; i++) {
        if ((xn_stm32_read(address) & mask) == wanted) {
            return true;
        }
    }
    return false;
}

void xn_clock_stm32l4_start(void) {
    xn_stm32_change(FLASH_ACR, ACR_LATENCY, WAIT_STATES | ACR_PREFETCH | ACR_CACHES);
    // The range may be changed only while the oscillator is ready.
    if (settles(FLASH_ACR, ACR_LATENCY, WAIT_STATES) && settles(RCC_CR, CR_MSIRDY, CR_MSIRDY)) {
        xn_stm32_change(RCC_CR, CR_MSIRANGE, CR_MSIRANGE_48_MHZ | CR_MSIRGSEL);
        return;
    }
    xn_clock_slow(RESET_HZ);
}
