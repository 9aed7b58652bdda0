// Text and frames over the USB serial port, in place of MicroPython's own receiver (the linker
// leads its callback here). TinyUSB runs in the port's wait loop, between the VM's instructions,
// and in the interrupt of xn_attend.c.
#include "core/base/xn_port.h"
#include "core/link/xn_link.h"

#include "mp_usbd.h"
#include "py/mphal.h"
#include "py/ringbuf.h"
#include "tusb.h"

#define GIVE_UP_US 100000u // the host does not read

extern ringbuf_t stdin_ringbuf; // the port's

void __wrap_tud_cdc_rx_cb(uint8_t interface);

void __wrap_tud_cdc_rx_cb(uint8_t interface) {
    while (tud_cdc_n_available(interface) > 0) {
        xn_link_receive((uint8_t)tud_cdc_n_read_char(interface));
    }
    while (ringbuf_free(&stdin_ringbuf) > 0 && xn_link_text_ready()) {
        ringbuf_put(&stdin_ringbuf, (uint8_t)xn_link_text_get());
    }
}

// Nobody may take a turn in the middle of a frame: no event, no Python.
void xn_port_send(const uint8_t *bytes, uint32_t n) {
    uint64_t moved = xn_port_time_us();
    while (n > 0 && tud_cdc_connected() && xn_port_time_us() - moved < GIVE_UP_US) {
        uint32_t part = tud_cdc_write(bytes, n);
        tud_cdc_write_flush();
        if (part > 0) {
            moved = xn_port_time_us();
        }
        bytes += part;
        n -= part;
        tud_task_ext(0, false); // the port's mp_usbd_task() may call Python
    }
}
