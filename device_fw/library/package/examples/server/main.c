// A program of your own that hosts bring models to: the SDK is at the other end of the UART.
#include "xipnet.h"

#include "start.h"

// What the program does beside, in between: here it drops what is typed.
static void do_own_work(void) {
    while (xn_link_text_get() >= 0) {
    }
}

int main(void) {
    xn_link_init();
    xn_server_init();
    for (;;) {
        xn_server_poll();
        do_own_work();
    }
}

// The UART's interrupt.
void receive(void) {
    REGISTER(UART + 0x0C) = UART_RECEIVED;
    while ((REGISTER(UART + 0x04) & UART_RECEIVED) != 0) {
        xn_link_receive((uint8_t)REGISTER(UART));
    }
}
