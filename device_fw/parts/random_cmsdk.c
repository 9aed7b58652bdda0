// Random bytes of an emulator: it sends those of its computer on a second UART of Arm's CMSDK, of
// which each is read once.
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

#include <stddef.h>
#include <string.h>

#define UART_DATA XN_SCS_REG(XN_ENTROPY_BASE + 0x00)
#define UART_STATE XN_SCS_REG(XN_ENTROPY_BASE + 0x04)
#define UART_CTRL XN_SCS_REG(XN_ENTROPY_BASE + 0x08)
#define UART_BAUDDIV XN_SCS_REG(XN_ENTROPY_BASE + 0x10)

#define STATE_RX_FULL 2u
#define CTRL_RX 2u
#define BAUDDIV_MIN 16u
#define WAIT_US 2000000u // of an emulator that sends nothing

void xn_random_cmsdk_start(void) {
    UART_BAUDDIV = BAUDDIV_MIN;
}

static bool next_byte(uint8_t *byte, uint64_t end_us) {
    while (!(UART_STATE & STATE_RX_FULL)) {
        if (xn_port_time_us() >= end_us) {
            return false;
        }
    }
    *byte = (uint8_t)UART_DATA;
    return true;
}

const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    uint64_t end_us = xn_port_time_us() + WAIT_US;
    uint32_t done = 0;
    UART_CTRL = CTRL_RX;
    while (done < n && next_byte(to + done, end_us)) {
        done++;
    }
    UART_CTRL = 0;
    if (done < n) {
        memset(to, 0, n);
        return NULL;
    }
    return "emulator";
}
