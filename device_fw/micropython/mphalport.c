// MicroPython's view of the hardware: text over the link, time from the board, sleep.
#include "core/link/xn_link.h"
#include "core/base/xn_port.h"
#include "core/trust/xn_policy.h"
#include "micropython/vm.h"

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#define TEXT_PIECE 256u
#define LONG_DELAY_US 10000u // during which other things are done

// What a tool sends without being asked: its windows, and the Ctrl-D behind them.
_Static_assert(XN_LINK_TEXT_RING > MICROPY_REPL_STDIN_BUFFER_MAX + 1, "raw paste loses text");

int errno; // lib/libm writes it

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if ((flags & MP_STREAM_POLL_RD) && xn_link_text_ready()) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

int mp_hal_stdin_rx_chr(void) {
    xn_vm_begun = true; // the prompt is there
    for (;;) {
        // No text comes to a locked board. Its prompt has ended, or will at the clock's next tick.
        if (xn_policy_locked() && xn_vm_sealed()) {
            mp_raise_type(&mp_type_EOFError);
        }
        int c = xn_link_text_get();
        if (c >= 0) {
            return c;
        }
        mp_event_wait_indefinite();
    }
}

// A long text takes its time on the line: requests are answered between its pieces. The prompt's
// first lines are no long text: what a request prints comes behind them.
mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t n) {
    for (size_t at = 0; at < n; at += TEXT_PIECE) {
        xn_link_send_text((const uint8_t *)text + at, MIN(n - at, TEXT_PIECE));
        if (n - at > TEXT_PIECE) {
            xn_vm_poll_wire();
        }
    }
    return n;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(xn_port_time_us() / 1000);
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)xn_port_time_us();
}

uint64_t mp_hal_time_ns(void) {
    return xn_port_time_us() * 1000;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = xn_port_time_us() + us;
    while (xn_port_time_us() < end) {
        if (us >= LONG_DELAY_US) {
            mp_event_handle_nowait();
        }
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = xn_port_time_us() + (uint64_t)ms * 1000;
    uint64_t now;
    while ((now = xn_port_time_us()) < end) {
        mp_event_wait_ms((mp_uint_t)((end - now) / 1000));
    }
}

// An exception that nothing caught: no VM is left to handle it.
void nlr_jump_fail(void *value) {
    (void)value;
    xn_port_reset();
    for (;;) {
    }
}

__attribute__((noreturn)) void abort(void) {
    nlr_jump_fail(NULL);
    for (;;) {
    }
}
