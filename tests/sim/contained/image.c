// The smallest image that runs a step by arch/cortexm: what contains steps on a port that is not
// this firmware's own. The step's code is at PROGRAM_AT; every result is a line on the UART.
#include "arch/cortexm/clock.h"
#include "arch/cortexm/fault.h"
#include "arch/cortexm/scs.h"
#include "arch/cortexm/step.h"
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#define STACK_BYTES 4096u

static uint32_t stack[1024];
uint8_t xn_ld_step_stack[STACK_BYTES] __attribute__((aligned(STACK_BYTES)));
// As another board's: what lies beside an arena is not the step's.
static uint8_t arenas[3 * 256] __attribute__((aligned(256)));

void start(void);
static void ignore(void) {}

static void wrong(void);

__attribute__((section(".vectors"), used)) static void (*const table[16])(void) = {
    [0] = (void (*)(void))(stack + 1024),
    [1] = start,
    [2] = wrong,
    [3] = xn_step_fault_entry,
    [11] = xn_step_svc_entry,
    [14] = ignore,
    [15] = xn_step_clock_entry,
};

// ---- The port -----------------------------------------------------------------------------------

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {65536, 4096, 256, 1};
    return &geometry;
}

uint32_t xn_port_lock(void) {
    uint32_t state;
    __asm volatile("mrs %0, primask\ncpsid i" : "=r"(state)::"memory");
    return state;
}

void xn_port_unlock(uint32_t state) {
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

// ---- The UART -----------------------------------------------------------------------------------

static void put(char c) {
    *(volatile uint32_t *)(UART_AT + 8u) = 1; // transmit
    while (*(volatile uint32_t *)(UART_AT + 4u) & 1u) {
    }
    *(volatile uint32_t *)UART_AT = (uint8_t)c;
}

static void put_hex(uint32_t value) {
    for (int at = 28; at >= 0; at -= 4) {
        put("0123456789abcdef"[value >> at & 15u]);
    }
    put(' ');
}

static void end(void) {
    put('\n');
    for (;;) {
    }
}

static void wrong(void) {
    put('!');
    end();
}

void xn_fault_fatal(void) {
    wrong();
}

// ---- The steps ----------------------------------------------------------------------------------

static void run(uint32_t at, uint32_t limit_ms) {
    const xn_ctx ctx = {arenas + 256, (const uint8_t *)(uintptr_t)at};
    xn_port_stop why = {0};
    const xn_port_step step = {
        .function = (xn_step_fn *)(uintptr_t)(at | 1u),
        .ctx = &ctx,
        .blob = (const uint8_t *)(uintptr_t)at,
        .blob_bytes = 64,
        .arena_bytes = 256,
        .limit_ms = limit_ms,
    };
    int status = xn_port_run_step(&step, &why);
    put_hex((uint32_t)status);
    put_hex(why.pc);
    put_hex((uint32_t)why.returned);
    put_hex(arenas[256 + 16]);
    put_hex(arenas[255] | arenas[512]); // written, if the step reached beside its arena
}

void start(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)table;
#if __ARM_ARCH >= 8
    SCB_CPACR |= CPACR_FPU;
    SCB_FPCCR &= ~FPCCR_LSPEN; // as xn_start.c and startup.c
#endif
    arenas[256] = 'a';
    xn_clock_start();
    run(PROGRAM_AT, 50);
    arenas[256 + 16] = 0;
    run(PROGRAM_AT + 4096u, 1000); // adds one: the next step runs as ever
    end();
}
