// The UART of Arm's CMSDK: one byte of buffer each way, an interrupt per byte received.
#include "arch/cortexm/cpu.h"
#include "core/link/xn_baud.h"
#include "core/link/xn_link.h"
#include "core/base/xn_port.h"
#include "parts/divided_clock.h"

#define XN_CMSDK_UART_BASE XN_UART_BASE
#include "parts/cmsdk_uart.h"

#define BAUDDIV_MAX 0xFFFFFu

static uint32_t divider(uint32_t rate) {
    return xn_divided_clock(XN_UART_HZ, rate);
}

bool xn_port_baud_fits(uint32_t rate) {
    return xn_divided_clock_fits(XN_UART_HZ, rate, XN_CMSDK_UART_BAUDDIV_MIN, BAUDDIV_MAX);
}

void xn_port_set_baud(uint32_t rate) {
    while (XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_TX_FULL)
        ;
    // The last byte is in the shift register, which shows nowhere: the time of two bytes.
    uint64_t end_us = xn_port_time_us() + 20u * 1000000u * XN_CMSDK_UART_BAUDDIV / XN_UART_HZ + 1u;
    while (xn_port_time_us() < end_us)
        ;
    XN_CMSDK_UART_BAUDDIV = divider(rate);
}

void xn_uart_cmsdk_start(void) {
    XN_CMSDK_UART_BAUDDIV = divider(XN_BAUD_START);
    XN_CMSDK_UART_CTRL =
        XN_CMSDK_UART_CTRL_TX | XN_CMSDK_UART_CTRL_RX | XN_CMSDK_UART_CTRL_RX_INTERRUPT;
    xn_cpu_enable_irq(XN_UART_IRQ);
}

void xn_uart_cmsdk_interrupt(void) {
    // Cleared before DATA is read: a byte that comes in between raises it again.
    XN_CMSDK_UART_INTCLEAR = XN_CMSDK_UART_INT_RX;
    while (XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_RX_FULL) {
        uint8_t byte = (uint8_t)XN_CMSDK_UART_DATA;
        xn_link_receive(byte);
    }
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        while (XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_TX_FULL)
            ;
        XN_CMSDK_UART_DATA = bytes[i];
    }
}
