// The CPU that the compiler's flags name, in the words of xn_blob.h.
#ifndef XN_CPU_H
#define XN_CPU_H

#include "xn_blob.h"

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define XN_CPU_FAMILY XN_FAMILY_CORTEX_M
#if defined(__ARM_ARCH_8_1M_MAIN__)
#define XN_CPU_LEVEL XN_LEVEL_V81M
#elif defined(__ARM_ARCH_8M_MAIN__)
#define XN_CPU_LEVEL XN_LEVEL_V8M
#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
#define XN_CPU_LEVEL XN_LEVEL_V7M
#else // Armv6-M, and Armv8-M Baseline, which has all of its instructions
#define XN_CPU_LEVEL XN_LEVEL_V6M
#endif
#if defined(__ARM_FEATURE_DSP)
#define XN_CPU_DSP XN_FEATURE_DSP
#else
#define XN_CPU_DSP 0
#endif
#if defined(__ARM_FP) && (__ARM_FP & 4)
#define XN_CPU_FP32 XN_FEATURE_FP32
#else // with -mfloat-abi=soft, too: nobody may have switched the FPU on
#define XN_CPU_FP32 0
#endif
#if defined(__ARM_FP) && (__ARM_FP & 8)
#define XN_CPU_FP64 XN_FEATURE_FP64
#else
#define XN_CPU_FP64 0
#endif
#if defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE >= 3
#define XN_CPU_MVE (XN_FEATURE_MVE_I | XN_FEATURE_MVE_F)
#elif defined(__ARM_FEATURE_MVE)
#define XN_CPU_MVE XN_FEATURE_MVE_I
#else
#define XN_CPU_MVE 0
#endif
#define XN_CPU_FEATURES (XN_CPU_DSP | XN_CPU_FP32 | XN_CPU_FP64 | XN_CPU_MVE)

#elif defined(__riscv) && __riscv_xlen == 32
#define XN_CPU_FAMILY XN_FAMILY_RV32
#define XN_CPU_LEVEL 0
#if defined(__riscv_atomic)
#define XN_CPU_RV_A XN_FEATURE_RV_A
#else
#define XN_CPU_RV_A 0
#endif
#if defined(__riscv_compressed)
#define XN_CPU_RV_C XN_FEATURE_RV_C
#else
#define XN_CPU_RV_C 0
#endif
#if defined(__riscv_mul) && defined(__riscv_div)
#define XN_CPU_RV_M XN_FEATURE_RV_M
#else
#define XN_CPU_RV_M 0
#endif
#define XN_CPU_FEATURES (XN_CPU_RV_A | XN_CPU_RV_C | XN_CPU_RV_M)

#elif defined(__x86_64__)
#define XN_CPU_FAMILY XN_FAMILY_X86_64
#define XN_CPU_LEVEL 0
#define XN_CPU_FEATURES 0
#elif defined(__aarch64__)
#define XN_CPU_FAMILY XN_FAMILY_AARCH64
#define XN_CPU_LEVEL 0
#define XN_CPU_FEATURES 0
#else
#error "no blob is for this CPU: Cortex-M, 32-bit RISC-V, x86-64 or AArch64"
#endif

#endif
