// What start.c gives: the time, and the UART.
#ifndef START_H
#define START_H

#include <stdint.h>

#define REGISTER(at) (*(volatile uint32_t *)(at))
#define CORE_HZ 25000000u
#define TICKS_PER_MS (CORE_HZ / 1000u)
#define SYSTICK 0xE000E010u
#define UART 0x40004000u // of Arm's CMSDK
#define UART_SENDING 1u  // in its state at +4: no room for a byte
#define UART_RECEIVED 2u // in its state, and at +12 to clear the interrupt

uint64_t time_us(void);
void send(const uint8_t *bytes, uint32_t n);
void say(const char *text);
void say_number(uint32_t number);
void receive(void); // the program's own, if it wants bytes: the UART's interrupt

#endif
