// Registers of an STM32: every access goes through these two, which a test on a PC replaces by a
// model of the chip. The parts name the section of the reference manual that describes a register.
#ifndef XN_STM32_H
#define XN_STM32_H

#include <stdbool.h>
#include <stdint.h>

#ifdef XN_STM32_MODEL
uint32_t xn_stm32_read(uint32_t address);
void xn_stm32_write(uint32_t address, uint32_t value);
void xn_stm32_write_half(uint32_t address, uint16_t value);
void xn_stm32_write_byte(uint32_t address, uint8_t value);
#define XN_STM32_INLINE static inline
#else
// Never calls: what uses them may be in RAM, and must not reach into flash for them.
#define XN_STM32_INLINE __attribute__((always_inline)) static inline

XN_STM32_INLINE uint32_t xn_stm32_read(uint32_t address) {
    return *(volatile uint32_t *)(uintptr_t)address;
}

XN_STM32_INLINE void xn_stm32_write(uint32_t address, uint32_t value) {
    *(volatile uint32_t *)(uintptr_t)address = value;
}

XN_STM32_INLINE void xn_stm32_write_half(uint32_t address, uint16_t value) {
    *(volatile uint16_t *)(uintptr_t)address = value;
}

XN_STM32_INLINE void xn_stm32_write_byte(uint32_t address, uint8_t value) {
    *(volatile uint8_t *)(uintptr_t)address = value;
}
#endif

// Clears and sets bits of a register, the others stay.
XN_STM32_INLINE void xn_stm32_change(uint32_t address, uint32_t clear, uint32_t set) {
    xn_stm32_write(address, (xn_stm32_read(address) & ~clear) | set);
}

#endif
