// Scans Thumb code before it runs: every instruction that a step can reach is one that a kernel
// needs, and is reached at its start.
#ifndef XN_SCAN_H
#define XN_SCAN_H

#include <stdint.h>

#include "base/xn_reason.h"

// `code` has `bytes` bytes, a multiple of 4, aligned to 4; each of `steps` is even and within them.
int xn_scan_code(const uint8_t *code, uint32_t bytes, const uint32_t *steps, uint32_t count,
                 xn_reason *why);

#endif
