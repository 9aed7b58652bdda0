// The start of a bare Cortex-M on Arm's MPS2 board: memory, FPU, main(), the exit of an emulator.
#include "start.h"

#include <stdint.h>

extern uint32_t xn_stack_top, xn_data_from, xn_data_to, xn_data_end, xn_bss_end;

int main(void);
void start(void);

static volatile uint32_t milliseconds;

// Of semihosting: an emulator ends with this status. A debugger stops here.
static _Noreturn void leave(int status) {
    register int operation __asm__("r0") = 0x18;
    register int reason __asm__("r1") = status == 0 ? 0x20026 : 0x20023;
    __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason));
    for (;;) {
    }
}

static void fault(void) {
    say("fault\n");
    leave(1);
}

static void tick(void) {
    milliseconds = milliseconds + 1;
}

__attribute__((weak)) void receive(void) {
    REGISTER(UART + 0x0C) = UART_RECEIVED;
}

void start(void) {
    uint32_t *from = &xn_data_from, *to = &xn_data_to;
    while (to < &xn_data_end) {
        *to++ = *from++;
    }
    while (to < &xn_bss_end) {
        *to++ = 0;
    }
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    REGISTER(0xE000ED88) |= 0xFu << 20; // the FPU, and Helium
    __asm__ volatile("dsb\nisb" ::: "memory");
#endif
    REGISTER(SYSTICK + 0x04) = TICKS_PER_MS - 1;
    REGISTER(SYSTICK + 0x08) = 0;
    REGISTER(SYSTICK + 0x00) = 7; // on, with its interrupt, by the core's clock
    REGISTER(UART + 0x10) = CORE_HZ / 115200;
    REGISTER(UART + 0x08) = 1 | 2 | 8; // send, receive, an interrupt for each byte
    REGISTER(0xE000E100) = 1;          // which is the first of the chip's
    leave(main());
}

uint64_t time_us(void) {
    uint32_t ms, left;
    do { // until no tick came in between
        ms = milliseconds;
        left = REGISTER(SYSTICK + 0x08);
    } while (ms != milliseconds);
    return (uint64_t)ms * 1000u + (TICKS_PER_MS - 1 - left) / (CORE_HZ / 1000000u);
}

void send(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        while ((REGISTER(UART + 0x04) & UART_SENDING) != 0) {
        }
        REGISTER(UART) = bytes[i];
    }
}

void say(const char *text) {
    for (; *text != 0; text++) {
        send((const uint8_t *)text, 1);
    }
}

void say_number(uint32_t number) {
    char digits[11];
    uint32_t at = sizeof(digits) - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    say(digits + at);
}

__attribute__((section(".vectors"), used)) void (*const vectors[])(void) = {
    (void (*)(void))&xn_stack_top,
    start,
    fault, // non-maskable
    fault,
    fault,
    fault,
    fault,
    0,
    0,
    0,
    0,
    0, // SVC
    0,
    0,
    0, // PendSV
    tick,
    receive, // UART 0
};
