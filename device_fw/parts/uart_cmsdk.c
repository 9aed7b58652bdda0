// The UART of Arm's CMSDK: one byte of buffer each way, an interrupt per byte received.
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/scs.h"
#include "core/link/xn_baud.h"
#include "core/link/xn_link.h"
#include "core/base/xn_port.h"
#include "parts/divided_clock.h"

#define UART_DATA XN_SCS_REG(XN_UART_BASE + 0x00)
#define UART_STATE XN_SCS_REG(XN_UART_BASE + 0x04)
#define UART_CTRL XN_SCS_REG(XN_UART_BASE + 0x08)
#define UART_INTCLEAR XN_SCS_REG(XN_UART_BASE + 0x0C)
#define UART_BAUDDIV XN_SCS_REG(XN_UART_BASE + 0x10)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX 1u
#define CTRL_RX 2u
#define CTRL_RX_INTERRUPT 8u
#define INT_RX 2u
#define BAUDDIV_MIN 16u
#define BAUDDIV_MAX 0xFFFFFu

static uint32_t divider(uint32_t rate) {
    return xn_divided_clock(XN_UART_HZ, rate);
}

bool xn_port_baud_fits(uint32_t rate) {
    return xn_divided_clock_fits(XN_UART_HZ, rate, BAUDDIV_MIN, BAUDDIV_MAX);
}

void xn_port_set_baud(uint32_t rate) {
    while (UART_STATE & STATE_TX_FULL)
        ;
    // The last byte is in the shift register, which shows nowhere: the time of two bytes.
    uint64_t end_us = xn_port_time_us() + 20u * 1000000u * UART_BAUDDIV / XN_UART_HZ + 1u;
    while (xn_port_time_us() < end_us)
        ;
    UART_BAUDDIV = divider(rate);
}

void xn_uart_cmsdk_start(void) {
    UART_BAUDDIV = divider(XN_BAUD_START);
    UART_CTRL = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
    xn_cpu_enable_irq(XN_UART_IRQ);
}

void xn_uart_cmsdk_interrupt(void) {
    // Cleared before DATA is read: a byte that comes in between raises it again.
    UART_INTCLEAR = INT_RX;
    while (UART_STATE & STATE_RX_FULL) {
        uint8_t byte = (uint8_t)UART_DATA;
        xn_link_receive(byte);
    }
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        while (UART_STATE & STATE_TX_FULL)
            ;
        UART_DATA = bytes[i];
    }
}
