// The USART of STM32 F1, F2, F4 and L1 (RM0090, section 30.6): status and data in a register each,
// an interrupt per byte received.
#include "arch/cortexm/clock.h"
#include "arch/cortexm/cpu.h"
#include "core/base/xn_port.h"
#include "core/link/xn_baud.h"
#include "core/link/xn_link.h"
#include "parts/divided_clock.h"
#include "parts/stm32.h"

#define USART_SR (XN_UART_BASE + 0x00u)
#define USART_DR (XN_UART_BASE + 0x04u)
#define USART_BRR (XN_UART_BASE + 0x08u)
#define USART_CR1 (XN_UART_BASE + 0x0Cu)

#define SR_ORE (1u << 3)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define CR1_UE (1u << 13)
#define CR1_RXNEIE (1u << 5) // for RXNE and ORE
#define CR1_TE (1u << 3)
#define CR1_RE (1u << 2)
#define BRR_MIN 16u // sampled 16 times a bit
#define BRR_MAX 0xFFFFu

static uint32_t divider(uint32_t rate) {
    return xn_divided_clock(xn_clock_bus_hz(XN_UART_HZ), rate);
}

bool xn_port_baud_fits(uint32_t rate) {
    return xn_divided_clock_fits(xn_clock_bus_hz(XN_UART_HZ), rate, BRR_MIN, BRR_MAX);
}

void xn_port_set_baud(uint32_t rate) {
    while (!(xn_stm32_read(USART_SR) & SR_TC))
        ;
    xn_stm32_write(USART_BRR, divider(rate));
}

void xn_uart_stm32_v1_start(void) {
    xn_stm32_write(USART_BRR, divider(XN_BAUD_START));
    xn_stm32_write(USART_CR1, CR1_UE | CR1_RXNEIE | CR1_TE | CR1_RE);
    xn_cpu_enable_irq(XN_UART_IRQ);
}

// SR, then DR: that order clears ORE. An overrun alone brings no byte: DR still holds the one that
// was taken before.
void xn_uart_stm32_v1_interrupt(void) {
    uint32_t state;
    while ((state = xn_stm32_read(USART_SR)) & (SR_RXNE | SR_ORE)) {
        uint8_t byte = (uint8_t)xn_stm32_read(USART_DR);
        if (state & SR_RXNE) {
            xn_link_receive(byte);
        }
    }
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        while (!(xn_stm32_read(USART_SR) & SR_TXE))
            ;
        xn_stm32_write(USART_DR, bytes[i]);
    }
}
