// The pins of the UART, on every STM32 but the F1: a port's registers as in RM0090, section 8.4.
#include "parts/stm32.h"

#ifndef XN_PINS_GPIO // those of an F4
#define XN_PINS_GPIO 0x40020000u
#define XN_PINS_GPIO_CLOCK 0x40023830u // RCC_AHB1ENR
#endif

#ifndef XN_PINS_FUNCTION
#define XN_PINS_FUNCTION 7u // USART1, 2, 3 of all of them
#endif

#define PORT(pin) (XN_PINS_GPIO + 0x400u * ((pin) >> 4))
#define MODER 0x00u
#define OSPEEDR 0x08u
#define PUPDR 0x0Cu
#define AFR 0x20u

#define ALTERNATE 2u
#define FAST 2u
#define PULLED_UP 1u

// Bits 7:4 of `pin` are the port, from A on, bits 3:0 the pin.
static void connect(uint32_t pin) {
    uint32_t at = 2u * (pin & 15u);
    uint32_t function = PORT(pin) + AFR + 4u * ((pin & 15u) >> 3);
    uint32_t nibble = 4u * (pin & 7u);
    xn_stm32_change(XN_PINS_GPIO_CLOCK, 0, 1u << (pin >> 4));
    (void)xn_stm32_read(XN_PINS_GPIO_CLOCK); // two cycles until the device answers
    xn_stm32_change(function, 15u << nibble, XN_PINS_FUNCTION << nibble);
    xn_stm32_change(PORT(pin) + OSPEEDR, 3u << at, FAST << at);
    xn_stm32_change(PORT(pin) + PUPDR, 3u << at, PULLED_UP << at); // an open line is silent
    xn_stm32_change(PORT(pin) + MODER, 3u << at, ALTERNATE << at);
}

void xn_pins_stm32_start(void) {
    xn_stm32_change(XN_PINS_UART_CLOCK, 0, 1u << XN_PINS_UART_CLOCK_BIT);
    (void)xn_stm32_read(XN_PINS_UART_CLOCK);
    connect(XN_PINS_TX);
    connect(XN_PINS_RX);
}
