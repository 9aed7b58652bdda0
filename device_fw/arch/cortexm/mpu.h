// What unprivileged code may touch: nothing but some ranges.
#ifndef XN_MPU_H
#define XN_MPU_H

#include <stdbool.h>
#include <stdint.h>

#define XN_MPU_GATE_BYTES 32u

// Sets range 0..3 while the MPU is off: readable and executable, or readable and writable. `start`
// is a multiple of 32. The range is as exact as the MPU: 32 bytes on Armv8-M; on Armv7-M an eighth
// of the powers of two that it is made of, which is why arch/cortexm/sections.ld aligns the pool
// of arenas.
void xn_mpu_allow(uint32_t range, uintptr_t start, uint32_t bytes, bool writable);
// If on, the ranges hold for unprivileged code; privileged code may do what it always may.
void xn_mpu_enable(bool on);

#endif
