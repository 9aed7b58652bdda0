// Random bytes of an emulator: it sends those of its computer on a second UART of Arm's CMSDK, of
// which each is read once.
#include "core/base/xn_port.h"

#include <stddef.h>
#include <string.h>

#define XN_CMSDK_UART_BASE XN_ENTROPY_BASE
#include "parts/cmsdk_uart.h"

#define WAIT_US 2000000u // of an emulator that sends nothing

void xn_random_cmsdk_start(void) {
    XN_CMSDK_UART_BAUDDIV = XN_CMSDK_UART_BAUDDIV_MIN;
}

static bool next_byte(uint8_t *byte, uint64_t end_us) {
    while (!(XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_RX_FULL)) {
        if (xn_port_time_us() >= end_us) {
            return false;
        }
    }
    *byte = (uint8_t)XN_CMSDK_UART_DATA;
    return true;
}

const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    uint64_t end_us = xn_port_time_us() + WAIT_US;
    uint32_t done = 0;
    XN_CMSDK_UART_CTRL = XN_CMSDK_UART_CTRL_RX;
    while (done < n && next_byte(to + done, end_us)) {
        done++;
    }
    XN_CMSDK_UART_CTRL = 0;
    if (done < n) {
        memset(to, 0, n);
        return NULL;
    }
    return "emulator";
}
