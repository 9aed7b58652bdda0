// What every board of this port has in common, of MicroPython's configuration.
#ifndef XN_CONFIG_H
#define XN_CONFIG_H

#include "micropython/vm_hooks.h"
#include "ports/rp2/xn_start.h"

// Text and frames share the USB serial port; a UART would only make every text wait for it.
#define MICROPY_HW_ENABLE_UART_REPL (0)

// After the port's own start, before its VM; and after each of the VM's lives.
#define MICROPY_BOARD_EARLY_INIT() xn_start_core()
#define MICROPY_BOARD_START_SOFT_RESET() xn_start_end_life()

#define MICROPY_INTERNAL_EVENT_HOOK xn_vm_poll()

#endif
