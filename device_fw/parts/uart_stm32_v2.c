// The USART of STM32 F0, F3, F7, G, H, L4, N6 and U5 (RM0351, section 40.8): receive and transmit
// data in a register each, flags cleared by another, an interrupt per byte received. The FIFO of
// the newer ones stays off.
#include "arch/cortexm/clock.h"
#include "arch/cortexm/cpu.h"
#include "core/base/xn_port.h"
#include "core/link/xn_baud.h"
#include "core/link/xn_link.h"
#include "parts/divided_clock.h"
#include "parts/stm32.h"

#define USART_CR1 (XN_UART_BASE + 0x00u)
#define USART_BRR (XN_UART_BASE + 0x0Cu)
#define USART_ISR (XN_UART_BASE + 0x1Cu)
#define USART_ICR (XN_UART_BASE + 0x20u)
#define USART_RDR (XN_UART_BASE + 0x24u)
#define USART_TDR (XN_UART_BASE + 0x28u)

#define ISR_ERRORS 15u // parity, framing, noise, overrun: the same bits in ICR
#define ISR_RXNE (1u << 5)
#define ISR_TC (1u << 6)
#define ISR_TXE (1u << 7)
#define CR1_UE (1u << 0)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5) // for RXNE and ORE
#define BRR_MIN 16u          // sampled 16 times a bit
#define BRR_MAX 0xFFFFu

static uint32_t divider(uint32_t rate) {
    return xn_divided_clock(xn_clock_bus_hz(XN_UART_HZ), rate);
}

bool xn_port_baud_fits(uint32_t rate) {
    return xn_divided_clock_fits(xn_clock_bus_hz(XN_UART_HZ), rate, BRR_MIN, BRR_MAX);
}

// BRR is locked while the USART is enabled (40.8.4).
static void run_at(uint32_t rate) {
    xn_stm32_write(USART_CR1, 0);
    xn_stm32_write(USART_BRR, divider(rate));
    xn_stm32_write(USART_CR1, CR1_UE | CR1_RXNEIE | CR1_TE | CR1_RE);
}

void xn_port_set_baud(uint32_t rate) {
    while (!(xn_stm32_read(USART_ISR) & ISR_TC))
        ;
    run_at(rate);
}

void xn_uart_stm32_v2_start(void) {
    run_at(XN_BAUD_START);
    xn_cpu_enable_irq(XN_UART_IRQ);
}

void xn_uart_stm32_v2_interrupt(void) {
    uint32_t state;
    while ((state = xn_stm32_read(USART_ISR)) & (ISR_RXNE | ISR_ERRORS)) {
        xn_stm32_write(USART_ICR, state & ISR_ERRORS);
        if (state & ISR_RXNE) {
            xn_link_receive((uint8_t)xn_stm32_read(USART_RDR)); // reading clears RXNE
        }
    }
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        while (!(xn_stm32_read(USART_ISR) & ISR_TXE))
            ;
        xn_stm32_write(USART_TDR, bytes[i]);
    }
}
