// A model of an STM32F4's RCC, PWR, GPIO and flash controller, as the reference manuals describe
// them: what parts/*.c read and write goes here. What a chip would not forgive is a failed check.
#ifndef STM32F4_MODEL_H
#define STM32F4_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "parts/stm32.h"

typedef struct model_chip {
    uint32_t max_hz, apb1_max_hz, apb2_max_hz;
    bool has_over_drive;        // and needs it above 168 MHz
    uint32_t millivolts;        // of the supply
    bool revision_a;            // of F405: prefetching fails
    bool no_rcc;                // an emulator: all of it reads 0
    bool no_external;           // the ST-LINK's clock is missing
    bool no_pll;                // never locks
    bool pll_runs;              // a boot loader has started it
    uint32_t protected_sectors; // bits: erase and program are refused
    bool never_done;            // the controller stays busy
} model_chip;

// Begins again after a reset of such a chip; the flash is what `fill` says everywhere.
void model_start(const model_chip *chip, uint8_t fill);
// The core's clock, and the two buses', as the registers say now.
uint32_t model_hz(void);
uint32_t model_apb1_hz(void);
// A register as it is, without what reading does.
uint32_t model_register(uint32_t address);
// Whether the data or instruction cache may hold what the flash does not hold any more.
bool model_is_stale(void);
// A clock that goes on with each look at the flash controller's state.
uint64_t model_us(void);

#endif
