// TinyUSB's own interrupt only notes what happened, and the port lets the thread look at that when
// it comes by. If it does not within a tick of the clock, an interrupt of the lowest priority does:
// it takes in what came, and answers urgent requests. So however much a host sends, the thread has
// most of the time.
#include "ports/rp2/xn_attend.h"

#include "arch/cortexm/step.h"
#include "core/rpc/xn_server.h"

#include "hardware/irq.h"
#include "pico/platform.h"
#include "py/mpstate.h"
#include "tusb.h"

#define CORES 2u

static uint line; // of the chip's interrupts that no hardware raises

// TinyUSB is not reentrant: the linker leads here what the thread calls of it, on either core, and
// the interrupt stays away until it is out again.
static volatile uint32_t inside[CORES];
static volatile bool missed;

static void enter(void) {
    uint core = get_core_num();
    inside[core] = inside[core] + 1u;
}

static void leave(void) {
    uint core = get_core_num();
    inside[core] = inside[core] - 1u;
    if (missed && inside[core] == 0) {
        missed = false;
        xn_attend_soon();
    }
}

void __real_tud_task_ext(uint32_t timeout_ms, bool in_isr);
uint32_t __real_tud_cdc_n_write(uint8_t interface, const void *bytes, uint32_t n);
uint32_t __real_tud_cdc_n_write_flush(uint8_t interface);
void __wrap_tud_task_ext(uint32_t timeout_ms, bool in_isr);
uint32_t __wrap_tud_cdc_n_write(uint8_t interface, const void *bytes, uint32_t n);
uint32_t __wrap_tud_cdc_n_write_flush(uint8_t interface);

void __wrap_tud_task_ext(uint32_t timeout_ms, bool in_isr) {
    enter();
    __real_tud_task_ext(timeout_ms, in_isr);
    leave();
}

uint32_t __wrap_tud_cdc_n_write(uint8_t interface, const void *bytes, uint32_t n) {
    enter();
    uint32_t written = __real_tud_cdc_n_write(interface, bytes, n);
    leave();
    return written;
}

uint32_t __wrap_tud_cdc_n_write_flush(uint8_t interface) {
    enter();
    uint32_t sent = __real_tud_cdc_n_write_flush(interface);
    leave();
    return sent;
}

static void attend(void) {
    // A USB device of Python's own runs Python in TinyUSB's callbacks: that is the thread's.
    if (MP_STATE_VM(usbd) != MP_OBJ_NULL) {
        return;
    }
    missed = inside[0] != 0 || inside[1] != 0;
    if (missed) {
        return;
    }
    tud_task_ext(0, false);
    if (xn_server_attend(xn_step_runs())) {
        xn_clock_attend(); // the core was at work, or it is a request for the thread
    }
}

void xn_attend_soon(void) {
    irq_set_pending(line);
}

void xn_attend_start(void) {
    line = (uint)user_irq_claim_unused(true);
    irq_set_exclusive_handler(line, attend);
    irq_set_priority(line, PICO_LOWEST_IRQ_PRIORITY);
    irq_set_enabled(line, true);
    irq_add_shared_handler(USBCTRL_IRQ, xn_clock_attend,
                           PICO_SHARED_IRQ_HANDLER_LOWEST_ORDER_PRIORITY);
}
