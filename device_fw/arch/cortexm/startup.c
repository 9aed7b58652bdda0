// Reset: the vector table, memory as C expects it, the floating-point unit; then main().
#include "arch/cortexm/startup.h"

#include "arch/cortexm/scs.h"
#include "arch/cortexm/step.h"
#include "boards/board.h"

#include <stdint.h>

extern uint32_t xn_ld_data[], xn_ld_data_end[], xn_ld_data_load[];
extern uint32_t xn_ld_bss[], xn_ld_bss_end[];
extern uint32_t xn_ld_stack_end[];

int main(void);

// All external interrupts lead to the board, which knows which of them it has enabled.
// The table ends with the highest of them (device_fw/boards): the others are never let through.

typedef struct vectors {
    void *stack;
    void (*system[15])(void);
    void (*external[XN_BOARD_IRQS])(void);
} vectors;

#if XN_FLASH_HOLDS_CODE
// The table is in RAM: an interrupt comes also while the flash cannot be read. From the flash the
// CPU takes the first two words of it.
#define TABLE __attribute__((section(".ram_code"), used, aligned(1024)))
__attribute__((section(".vectors"), used)) static const struct {
    void *stack;
    void (*reset)(void);
} boot = {xn_ld_stack_end, xn_startup};
extern uint32_t xn_ld_ram_code[], xn_ld_ram_code_end[], xn_ld_ram_code_load[];
#else
#define TABLE __attribute__((section(".vectors"), used))
#endif

TABLE static const vectors table = {
    .stack = xn_ld_stack_end,
    .system =
        {
            [0] = xn_startup,
            [1 ... 9] = xn_step_fault_entry,
            [10] = xn_step_svc_entry,
            [11 ... 12] = xn_step_fault_entry,
            [13] = xn_step_attend_entry,
            [14] = xn_step_clock_entry,
        },
    .external = {[0 ... XN_BOARD_IRQS - 1] = xn_board_interrupt},
};

// Exceptions push the float registers at once: pushed when a handler first uses its own, a step's
// would go, and fault, where the step put its stack.
static void enable_fpu(void) {
    SCB_CPACR |= CPACR_FPU;
    SCB_FPCCR &= ~FPCCR_LSPEN;
    __asm volatile("dsb\nisb" ::: "memory");
}

// Nothing runs in the Non-secure state, and if a step goes there all the same (BXNS) it reaches
// nothing: all memory is Secure, an MPU without regions allows none, and a thread is unprivileged.
static void close_non_secure(void) {
#if __ARM_ARCH >= 8
    SAU_CTRL = SAU_CTRL_ENABLE;
    MPU_CTRL_NS = MPU_CTRL_ENABLE;
    SCB_AIRCR = AIRCR_SECURE;
    register uint32_t control __asm("r0") = 1;
    __asm volatile(".inst.w 0xf3808894" ::"r"(control)); // msr control_ns, r0
    __asm volatile("dsb\nisb" ::: "memory");
#endif
}

static void copy(const uint32_t *from, volatile uint32_t *to, const volatile uint32_t *end) {
    while (to < end) {
        *to++ = *from++;
    }
}

static void fill_memory(void) {
    copy(xn_ld_data_load, xn_ld_data, xn_ld_data_end);
#if XN_FLASH_HOLDS_CODE
    copy(xn_ld_ram_code_load, xn_ld_ram_code, xn_ld_ram_code_end);
#endif
    for (volatile uint32_t *to = xn_ld_bss; to < xn_ld_bss_end; to++) {
        *to = 0;
    }
}

void xn_startup(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)&table;
    enable_fpu();
    close_non_secure();
    fill_memory();
    main();
    for (;;)
        ;
}
