// Clocks of an STM32F4: crystal or the ST-LINK's 8 MHz, PLL, bus dividers, flash wait states.
// Sections are those of RM0090 (F405, F407); RM0390 (F446), RM0383 (F411) and RM0368 (F401) have
// the same registers.
//
// Nothing here waits for ever. Without an external clock the PLL runs from the internal 16 MHz,
// which are right to 1 % at 25 degrees; without a PLL the core stays at 16 MHz, and the clock
// (arch/cortexm/clock.h), the line and `hello` know it.
#include "arch/cortexm/clock.h"
#include "parts/stm32.h"

#define RCC_CR 0x40023800u      // 7.3.1
#define RCC_PLLCFGR 0x40023804u // 7.3.2
#define RCC_CFGR 0x40023808u    // 7.3.3
#define RCC_APB1ENR 0x40023840u // 7.3.13
#define PWR_CR 0x40007000u      // 5.4.1; RM0390 5.4.1 for the over-drive
#define PWR_CSR 0x40007004u
#define FLASH_ACR 0x40023C00u     // 3.9.1
#define DBGMCU_IDCODE 0xE0042000u // 38.6.1

#define CR_HSION (1u << 0)
#define CR_HSIRDY (1u << 1)
#define CR_HSEON (1u << 16)
#define CR_HSERDY (1u << 17)
#define CR_HSEBYP (1u << 18)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_FIELDS 0x0F437FFFu // M, N, P, SRC, Q
#define PLLCFGR_HSE (1u << 22)
#define CFGR_SW 3u
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_DIVIDERS 0xFCF0u // HPRE, PPRE1, PPRE2
#define APB1ENR_PWREN (1u << 28)
#define PWR_CR_VOS (3u << 14)
#define PWR_CR_ODEN (1u << 16)
#define PWR_CR_ODSWEN (1u << 17)
#define PWR_CSR_ODRDY (1u << 16)
#define PWR_CSR_ODSWRDY (1u << 17)
#define ACR_LATENCY 15u
#define ACR_PREFETCH (1u << 8)
#define ACR_CACHES (3u << 9)
#define IDCODE_F405_REVISION_A 0x10000413u
#define IDCODE_MASK 0xFFFF0FFFu

#define HSI_HZ 16000000u
// The PLL multiplies 1 MHz: its oscillator must run at 192 to 432 MHz (7.3.2), the divider behind
// it is 2, 4, 6 or 8.
#define VCO_MIN_HZ 192000000u
#define PLL_P                                                                                      \
    (2u * XN_CLOCK_HZ >= VCO_MIN_HZ   ? 2u                                                         \
     : 4u * XN_CLOCK_HZ >= VCO_MIN_HZ ? 4u                                                         \
     : 6u * XN_CLOCK_HZ >= VCO_MIN_HZ ? 6u                                                         \
                                      : 8u)
#define PLL_N (PLL_P * (XN_CLOCK_HZ / 1000000u))
#define PLL_Q ((PLL_N + 47u) / 48u) // of USB and SDIO: at most 48 MHz
// Table 10: 30 MHz for each wait state, from 2.7 V on.
#define WAIT_STATES ((XN_CLOCK_HZ - 1u) / 30000000u)
#define OVER_DRIVE_FROM_HZ 168000000u // RM0390 5.1.4

_Static_assert(XN_CLOCK_HZ % 1000000u == 0, "the PLL multiplies 1 MHz");
_Static_assert(XN_CLOCK_HSE_HZ % 1000000u == 0, "the PLL multiplies 1 MHz");
_Static_assert(PLL_N >= 192u && PLL_N <= 432u, "the PLL cannot make this clock");
_Static_assert(PLL_Q >= 2u && PLL_Q <= 15u, "the PLL cannot make this clock");

#define TRIES 100000u // some 50 ms at 16 MHz; a crystal takes 2 ms, the PLL 0.3 ms

static bool settles(uint32_t address, uint32_t mask, uint32_t wanted) {
    for (uint32_t i = 0; i < TRIES; i++) {
        if ((xn_stm32_read(address) & mask) == wanted) {
            return true;
        }
    }
    return false;
}

// PPRE1 and PPRE2: 0xx none, 100 to 111 are 2, 4, 8, 16. HPRE stays 0: no division.
static uint32_t bus_divider(uint32_t by) {
    return by == 1u ? 0u : by == 2u ? 4u : by == 4u ? 5u : by == 8u ? 6u : 7u;
}

// A boot loader may have started the PLL: nothing of it can be changed while it runs.
static bool go_to_internal(void) {
    xn_stm32_change(RCC_CR, 0, CR_HSION);
    if (!settles(RCC_CR, CR_HSIRDY, CR_HSIRDY)) {
        return false;
    }
    xn_stm32_change(RCC_CFGR, CFGR_SW | CFGR_DIVIDERS, 0);
    if (!settles(RCC_CFGR, CFGR_SWS, 0)) {
        return false;
    }
    xn_stm32_change(RCC_CR, CR_PLLON, 0);
    return settles(RCC_CR, CR_PLLRDY, 0);
}

static bool start_external(void) {
    xn_stm32_change(RCC_CR, CR_HSEON, 0);
    xn_stm32_change(RCC_CR, CR_HSEBYP, XN_CLOCK_HSE_BYPASS ? CR_HSEBYP : 0);
    xn_stm32_change(RCC_CR, 0, CR_HSEON);
    if (settles(RCC_CR, CR_HSERDY, CR_HSERDY)) {
        return true;
    }
    xn_stm32_change(RCC_CR, CR_HSEON, 0);
    return false;
}

static bool start_pll(void) {
    bool external = start_external();
    uint32_t m = (external ? XN_CLOCK_HSE_HZ : HSI_HZ) / 1000000u;
    uint32_t fields = m | PLL_N << 6 | (PLL_P / 2u - 1u) << 16 | PLL_Q << 24;
    xn_stm32_change(RCC_PLLCFGR, PLLCFGR_FIELDS, fields | (external ? PLLCFGR_HSE : 0));
    xn_stm32_change(RCC_CR, 0, CR_PLLON);
    return settles(RCC_CR, CR_PLLRDY, CR_PLLRDY);
}

// More than 168 MHz need a higher core voltage, which takes effect while the PLL runs.
static bool over_drive(void) {
    if (XN_CLOCK_HZ <= OVER_DRIVE_FROM_HZ) {
        return true;
    }
    xn_stm32_change(PWR_CR, 0, PWR_CR_ODEN);
    if (!settles(PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY)) {
        return false;
    }
    xn_stm32_change(PWR_CR, 0, PWR_CR_ODSWEN);
    return settles(PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}

// Wait states first: at the new clock the flash could not be read without them. Prefetching
// fails on the first revision of F405 and F407 (ES0182, 2.1.1).
static bool prepare_flash(void) {
    bool fetches = (xn_stm32_read(DBGMCU_IDCODE) & IDCODE_MASK) != IDCODE_F405_REVISION_A;
    xn_stm32_change(FLASH_ACR, ACR_LATENCY | ACR_PREFETCH,
                    WAIT_STATES | ACR_CACHES | (fetches ? ACR_PREFETCH : 0));
    return settles(FLASH_ACR, ACR_LATENCY, WAIT_STATES);
}

static bool go_to_pll(void) {
    uint32_t dividers = bus_divider(XN_CLOCK_APB1_DIV) << 10 | bus_divider(XN_CLOCK_APB2_DIV) << 13;
    xn_stm32_change(RCC_CFGR, CFGR_DIVIDERS, dividers);
    xn_stm32_change(RCC_CFGR, CFGR_SW, CFGR_SW_PLL);
    return settles(RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
}

void xn_clock_stm32f4_start(void) {
    // On a chip the internal oscillator runs now, and CR says so. All zeros: an emulator that has
    // no RCC, and whose core has the clock that it has.
    if (xn_stm32_read(RCC_CR) == 0) {
        return;
    }
    bool internal = go_to_internal();
    xn_stm32_change(RCC_APB1ENR, 0, APB1ENR_PWREN);
    (void)xn_stm32_read(RCC_APB1ENR); // two cycles until the device answers (7.3.10)
    xn_stm32_change(PWR_CR, PWR_CR_VOS, XN_CLOCK_VOS << 14);
    if (internal && start_pll() && over_drive() && prepare_flash() && go_to_pll()) {
        return;
    }
    (void)go_to_internal();
    xn_clock_slow(HSI_HZ);
}
