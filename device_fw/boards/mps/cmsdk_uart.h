// The UART of Arm's CMSDK, behind the line's functions of core/base/xn_port.h.
#ifndef XN_CMSDK_UART_H
#define XN_CMSDK_UART_H

void xn_cmsdk_uart_start(void);
void xn_cmsdk_uart_interrupt(void);

#endif
