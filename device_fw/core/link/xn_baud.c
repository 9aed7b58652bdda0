#include "link/xn_baud.h"

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "link/xn_link.h"

#define TRIAL_US 1000000u // within which a frame must come at the new speed
#define BAD_IN_A_ROW 8u   // frames: the host is at another speed

static struct {
    uint32_t rate;
    uint32_t wanted; // 0: none
    uint32_t before; // of the trial; 0: there is none
    uint64_t trial_end_us;
    uint32_t frames; // of the link when it was last looked at
    uint32_t bad_frames;
} baud = {.rate = XN_BAUD_START};

static void look(void) {
    baud.frames = xn_link_count()->frames;
    baud.bad_frames = xn_link_count()->bad_frames;
}

static void change(uint32_t rate) {
    xn_port_set_baud(rate);
    baud.rate = rate;
    look();
}

void xn_baud_init(void) {
    baud.wanted = baud.before = 0;
    baud.rate = XN_BAUD_START;
    look();
}

bool xn_baud_on_trial(void) {
    return baud.before != 0;
}

static void judge_trial(void) {
    if (xn_link_count()->frames != baud.frames) {
        baud.before = 0;
        look();
    } else if (xn_port_time_us() >= baud.trial_end_us) {
        uint32_t before = baud.before;
        baud.before = 0;
        change(before);
    }
}

// A host that starts again knows nothing of the speed that the last one asked for.
static void judge_frames(void) {
    if (xn_link_count()->frames != baud.frames) {
        look();
    } else if (xn_link_count()->bad_frames - baud.bad_frames >= BAD_IN_A_ROW) {
        change(XN_BAUD_START);
    }
}

void xn_baud_poll(void) {
    if (baud.wanted != 0) {
        baud.before = baud.rate;
        change(baud.wanted);
        baud.wanted = 0;
        baud.trial_end_us = xn_port_time_us() + TRIAL_US;
    } else if (baud.before != 0) {
        judge_trial();
    } else if (baud.rate != XN_BAUD_START) {
        judge_frames();
    }
}

int xn_baud_ask(uint32_t rate) {
    if (xn_link_line != 0 || !xn_port_baud_fits(rate)) {
        return xn_error_at(XN_E_PARAMS, "the UART cannot have a baud rate of", rate);
    }
    baud.wanted = rate;
    return XN_OK;
}
