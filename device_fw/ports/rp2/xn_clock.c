// The time limit of a step: an alarm of the chip's timer that nobody else has. It ticks while a
// step runs or a request waits to be attended, and at no other time: it would end every sleep.
#include "arch/cortexm/clock.h"
#include "arch/cortexm/step.h"
#include "core/base/xn_port.h"
#include "ports/rp2/xn_attend.h"

#include "hardware/irq.h"
#include "hardware/sync.h"
#include "hardware/timer.h"

static uint alarm;
static volatile uint32_t ticks_left; // to the limit, 0: there is none
static volatile bool attending;
static xn_clock_limit_fn *limit;

void xn_clock_start(void) {
    alarm = (uint)hardware_alarm_claim_unused(true);
    uint irq = hardware_alarm_get_irq_num(alarm);
    irq_set_exclusive_handler(irq, xn_step_clock_entry);
    hw_set_bits(&timer_hw->inte, 1u << alarm);
    irq_set_enabled(irq, true);
}

// An alarm whose time went by while it was set would come an hour later.
static void arm(void) {
    uint32_t state = save_and_disable_interrupts();
    timer_hw->alarm[alarm] = timer_hw->timerawl + XN_CLOCK_TICK_MS * 1000u;
    restore_interrupts(state);
}

void xn_clock_limit(uint32_t ms, xn_clock_limit_fn *is_over) {
    limit = is_over;
    ticks_left = ms == 0 ? 0 : ms / XN_CLOCK_TICK_MS + 2u; // the first may be short
    if (ms > 0 && !attending) {
        arm();
    }
}

void xn_clock_attend(void) {
    if (!attending) {
        attending = true;
        if (ticks_left == 0) {
            arm();
        }
    }
}

bool xn_clock_tick(const xn_fault_frame *pushed, uint32_t return_code) {
    timer_hw->intr = 1u << alarm;
    bool ends = ticks_left == 1 && limit(pushed, return_code);
    if (ends) {
        ticks_left = 0;
    } else if (ticks_left > 0) {
        ticks_left -= ticks_left > 1;
        arm();
    }
    if (attending) {
        attending = false;
        xn_attend_soon();
    }
    return ends;
}

uint64_t xn_port_time_us(void) {
    return time_us_64();
}
