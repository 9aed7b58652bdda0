// The UART of Arm's CMSDK: one byte of buffer each way, an interrupt per byte received.
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/scs.h"
#include "boards/common/board.h"
#include "core/xn_link.h"
#include "core/xn_port.h"

#define UART_DATA XN_REG(XN_UART_BASE + 0x00)
#define UART_STATE XN_REG(XN_UART_BASE + 0x04)
#define UART_CTRL XN_REG(XN_UART_BASE + 0x08)
#define UART_INTCLEAR XN_REG(XN_UART_BASE + 0x0C)
#define UART_BAUDDIV XN_REG(XN_UART_BASE + 0x10)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX 1u
#define CTRL_RX 2u
#define CTRL_RX_INTERRUPT 8u
#define INT_RX 2u
#define BAUDDIV_MIN 16u // the least the UART takes: as fast as it goes

void xn_board_interrupt(void);

void xn_cmsdk_uart_start(void) {
    UART_BAUDDIV = BAUDDIV_MIN;
    UART_CTRL = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
    xn_cpu_enable_irq(XN_UART_IRQ);
}

void xn_board_interrupt(void) {
    // Cleared before DATA is read: a byte that comes in between raises it anew.
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
