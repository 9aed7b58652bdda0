// The port's part of `machine`; extmod/modmachine.c includes this file.
#include "core/base/xn_port.h"
#include "micropython/flash_device.h"

static void mp_machine_idle(void) {
    mp_event_wait_indefinite();
}

NORETURN static void mp_machine_reset(void) {
    xn_port_reset();
    for (;;) {
    }
}

static mp_int_t mp_machine_reset_cause(void) {
    return (mp_int_t)xn_port_boot_report()->cause;
}
