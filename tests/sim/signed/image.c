// Signs and checks on a virtual CPU, and says what it took: the two signatures' bytes, virtual time
// (with -icount shift=0 an instruction is 1 ns), stack. Asks the emulator for random bytes too.
#include <stddef.h>
#include <string.h>

#include "core/base/xn_port.h"
#include "core/trust/xn_ed25519.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define UART_DATA REG(UART_AT + 0x00u)
#define UART_STATE REG(UART_AT + 0x04u)
#define UART_CTRL REG(UART_AT + 0x08u)
#define UART_BAUDDIV REG(UART_AT + 0x10u)
#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define CPACR REG(0xE000ED88u)
#define TICKS 0xFFFFFFu
#define PAINT 0xA5u

extern uint8_t stack_start[], stack_end[];

static uint8_t message[128], seed[32], key[32], signature[64], random_bytes[2][32];
static uint8_t *top; // of the stack that is looked at
static uint32_t wraps, last_ticks;

void reset(void);

__attribute__((section(".vectors"), used)) static void *const vectors[] = {stack_end, reset};

static void put(const char *text) {
    for (; *text != 0; text++) {
        while (UART_STATE & 1u)
            ;
        UART_DATA = (uint8_t)*text;
    }
}

static void put_hex(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        char text[3] = {"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15u], 0};
        put(text);
    }
    put("\n");
}

static void put_number(uint32_t value) {
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    put_hex(bytes, 4);
}

uint64_t xn_port_time_us(void) {
    uint32_t ticks = TICKS - SYST_CVR;
    wraps += ticks < last_ticks;
    last_ticks = ticks;
    return ((uint64_t)wraps * (TICKS + 1u) + ticks) / (CLOCK_HZ / 1000000u);
}

// What is below the stack pointer of this function is free.
__attribute__((noinline)) static void begin(void) {
    top = __builtin_frame_address(0);
    for (volatile uint8_t *at = stack_start; at < top - 64; at++) {
        *at = PAINT;
    }
    SYST_CVR = 0;
}

static void end(void) {
    uint32_t ticks = TICKS - SYST_CVR;
    uint32_t wrapped = SYST_CSR >> 16 & 1u;
    const volatile uint8_t *at = stack_start;
    while (*at == PAINT) {
        at++;
    }
    put_number(ticks);
    put_number(wrapped);
    put_number((uint32_t)(top - (const uint8_t *)(uintptr_t)at));
}

__attribute__((noinline)) static void run(void) {
    xn_ed25519_public(seed, key);
    put_hex(key, sizeof(key));
    begin();
    xn_ed25519_sign(seed, message, sizeof(message), signature);
    end();
    put_hex(signature, sizeof(signature));
    begin();
    bool good = xn_ed25519_check(signature, key, message, sizeof(message));
    end();
    message[127] ^= 1u;
    put(good && !xn_ed25519_check(signature, key, message, sizeof(message)) ? "good\n" : "bad\n");
    for (uint32_t i = 0; i < 2u; i++) {
        const char *name = xn_port_entropy(random_bytes[i], sizeof(random_bytes[i]));
        put(name == NULL ? "none" : name);
        put("\n");
        put_hex(random_bytes[i], sizeof(random_bytes[i]));
    }
    for (uint32_t i = 0; i < 6u; i++) {
        memset(seed, (int)(51u * i), sizeof(seed));
        seed[i] ^= 1u;
        begin();
        xn_ed25519_sign(seed, message, sizeof(message), signature);
        end();
    }
    put("end\n");
}

void xn_random_cmsdk_start(void);

// The vector registers of a CPU that has some are used for copying.
void reset(void) {
    if (HAS_FPU) {
        CPACR = 0xF00000u;
        __asm volatile("dsb\nisb" ::: "memory");
    }
    UART_BAUDDIV = 16u;
    UART_CTRL = 1u;
    SYST_RVR = TICKS;
    SYST_CSR = 5u;
    xn_random_cmsdk_start();
    memset(message, 'm', sizeof(message));
    memset(seed, 's', sizeof(seed));
    run();
    for (;;) {
    }
}
