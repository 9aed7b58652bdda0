// The system control space: the registers that every Cortex-M has at the same place.
#ifndef XN_SCS_H
#define XN_SCS_H

#include <stdint.h>

#define XN_SCS_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SYST_CSR XN_SCS_REG(0xE000E010)
#define SYST_RVR XN_SCS_REG(0xE000E014)
#define SYST_CVR XN_SCS_REG(0xE000E018)
#define NVIC_ISER(n) XN_SCS_REG(0xE000E100 + 4 * (n))
#define SCB_ICSR XN_SCS_REG(0xE000ED04)
#define SCB_VTOR XN_SCS_REG(0xE000ED08)
#define SCB_AIRCR XN_SCS_REG(0xE000ED0C)
#define SCB_CCR XN_SCS_REG(0xE000ED14)
#define SCB_SHPR3 XN_SCS_REG(0xE000ED20)
#define SCB_SHCSR XN_SCS_REG(0xE000ED24)
#define SCB_CFSR XN_SCS_REG(0xE000ED28)
#define SCB_HFSR XN_SCS_REG(0xE000ED2C)
#define SCB_MMFAR XN_SCS_REG(0xE000ED34)
#define SCB_BFAR XN_SCS_REG(0xE000ED38)
#define SCB_CTR XN_SCS_REG(0xE000ED7C)
#define SCB_CPACR XN_SCS_REG(0xE000ED88)
#define MPU_CTRL XN_SCS_REG(0xE000ED94)
#define MPU_CTRL_NS XN_SCS_REG(0xE002ED94) // of the Non-secure state
#define MPU_RNR XN_SCS_REG(0xE000ED98)
#define MPU_RBAR XN_SCS_REG(0xE000ED9C)
#define MPU_RASR XN_SCS_REG(0xE000EDA0) // Armv7-M
#define MPU_RLAR XN_SCS_REG(0xE000EDA0) // Armv8-M
#define MPU_MAIR0 XN_SCS_REG(0xE000EDC0)
#define SAU_CTRL XN_SCS_REG(0xE000EDD0)
#define SAU_SFSR XN_SCS_REG(0xE000EDE4)
#define SAU_SFAR XN_SCS_REG(0xE000EDE8)
#define SCB_FPCCR XN_SCS_REG(0xE000EF34)
#define SCB_ICIALLU XN_SCS_REG(0xE000EF50)
#define SCB_DCCIMVAC XN_SCS_REG(0xE000EF70)
#define SCB_BPIALL XN_SCS_REG(0xE000EF78)

#define SYST_CSR_RUN 7u // enable, interrupt, core clock
#define ICSR_PENDSTSET (1u << 26)
#define ICSR_PENDSVSET (1u << 28)
#define SHPR3_PENDSV_LAST (0xFFu << 16)
#define FPCCR_LSPEN (1u << 30)
#define AIRCR_RESET ((0x5FAu << 16) | (1u << 2))
#define AIRCR_SECURE ((0x5FAu << 16) | (1u << 14) | (1u << 3)) // its faults first; it alone resets
#define SAU_CTRL_ENABLE 1u
#define MPU_CTRL_ENABLE 1u
#define SFSR_SFARVALID (1u << 6)
#define EXC_RETURN_SECURE (1u << 6) // the registers were pushed on a stack of this state
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define CCR_BP (1u << 18)
#define CCR_DIV_0_TRP (1u << 4)
#define SHCSR_FAULTS (7u << 16)
#define SHCSR_PENDING (15u << 12 | 3u << 20) // usage, memory, bus, supervisor call; secure, hard
#define SHCSR_SECUREFAULT (1u << 19)
#define CPACR_FPU (15u << 20)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_BFARVALID (1u << 15)

#endif
