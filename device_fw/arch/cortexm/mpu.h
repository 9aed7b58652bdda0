// What unprivileged code may touch: nothing but some ranges.
#ifndef XN_MPU_H
#define XN_MPU_H

#include <stdbool.h>
#include <stdint.h>

#define XN_MPU_GATE_BYTES 32u

// Sets range 0..2 while the MPU is off: readable and executable, or readable and writable. `start`
// is a multiple of 32; `bytes` is rounded up to one. Range 0 is set first, then the others in their
// order, as often as one changes. On Armv8-M a range is exact. On Armv7-M it is widened to what
// 3 regions can open (pmsa7.h).
void xn_mpu_allow(uint32_t range, uintptr_t start, uint32_t bytes, bool writable);
// After those: a blob, readable and executable, and its weights if they lie elsewhere, readable; 0
// bytes: they do not. All are multiples of 32. On Armv7-M both are widened to what the regions that
// are left can open: of 8 at least 3 if ranges 0 and 1 take one each, of which the weights get
// half.
void xn_mpu_allow_flash(uintptr_t blob, uint32_t blob_bytes, uintptr_t weights,
                        uint32_t weights_bytes);
// If on, the ranges hold for unprivileged code; privileged code may do what it always may.
void xn_mpu_enable(bool on);

#endif
