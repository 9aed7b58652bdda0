// Sensors of an emulator: a further UART of Arm's CMSDK, on which its computer plays a camera and a
// microphone. To the computer: u8 kind, u8 on, u16 asked[3], u16 nonce. From it pieces: u16 magic,
// u16 nonce, u24 size, u8 kind, then `size` bytes; size 0: it has ended. All little-endian. The
// nonce is of one opening: what comes late of an earlier one, or of a piece that a restart of the
// board cut in two, is nobody's.
#include "arch/cortexm/cpu.h"
#include "core/base/xn_port.h"
#include "parts/sensors.h"

#include <stddef.h>

#define XN_CMSDK_UART_BASE XN_SENSORS_BASE
#include "parts/cmsdk_uart.h"

#define MAGIC 0x5358u

static xn_sensors_slots *open_sensors[XN_SENSORS_KINDS];
static uint16_t nonces[XN_SENSORS_KINDS];

// The piece that comes in.
static struct {
    uint64_t header;
    uint32_t left;            // of its bytes
    xn_sensors_slots *sensor; // NULL: nobody takes it
    uint8_t *to;
} piece;

void xn_sensors_cmsdk_start(void) {
    XN_CMSDK_UART_BAUDDIV = XN_CMSDK_UART_BAUDDIV_MIN;
    XN_CMSDK_UART_CTRL =
        XN_CMSDK_UART_CTRL_TX | XN_CMSDK_UART_CTRL_RX | XN_CMSDK_UART_CTRL_RX_INTERRUPT;
    xn_cpu_enable_irq(XN_SENSORS_IRQ);
}

static void begin(uint64_t header) {
    uint32_t kind = (uint32_t)(header >> 56), bytes = (uint32_t)(header >> 32) & 0xFFFFFFu;
    if ((uint16_t)header != MAGIC || kind >= XN_SENSORS_KINDS || open_sensors[kind] == NULL ||
        (uint16_t)(header >> 16) != nonces[kind]) {
        return; // no header yet
    }
    xn_sensors_slots *sensor = open_sensors[kind];
    piece.header = 0;
    piece.left = bytes;
    piece.sensor = NULL;
    if (bytes == 0) {
        sensor->ended = true;
    } else if (bytes != sensor->bytes || sensor->captured - sensor->taken == sensor->count) {
        sensor->dropped++;
    } else {
        piece.sensor = sensor;
        piece.to = sensor->slots + sensor->captured % sensor->count * bytes;
    }
}

static void end(xn_sensors_slots *sensor) {
    sensor->at_us[sensor->captured % sensor->count] = xn_port_time_us();
    sensor->captured++;
}

static void receive(uint8_t byte) {
    if (piece.left == 0) {
        piece.header = piece.header >> 8 | (uint64_t)byte << 56;
        begin(piece.header);
        return;
    }
    piece.left--;
    if (piece.sensor != NULL) {
        *piece.to++ = byte;
        if (piece.left == 0) {
            end(piece.sensor);
        }
    }
}

void xn_sensors_cmsdk_interrupt(void) {
    // Cleared before DATA is read: a byte that comes in between raises it again.
    XN_CMSDK_UART_INTCLEAR = XN_CMSDK_UART_INT_RX;
    while (XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_RX_FULL) {
        receive((uint8_t)XN_CMSDK_UART_DATA);
    }
}

static void send(uint32_t byte) {
    while (XN_CMSDK_UART_STATE & XN_CMSDK_UART_STATE_TX_FULL)
        ;
    XN_CMSDK_UART_DATA = byte & 0xFFu;
}

static void ask(uint32_t kind, bool on, const uint16_t asked[3]) {
    send(kind);
    send(on);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t number = i < 3 ? asked[i] : nonces[kind];
        send(number);
        send(number >> 8);
    }
}

static void set_open(uint32_t kind, xn_sensors_slots *sensor) {
    uint32_t state = xn_port_lock();
    if (piece.sensor == open_sensors[kind]) {
        piece.sensor = NULL; // the rest of a piece that comes in goes nowhere
    }
    open_sensors[kind] = sensor;
    xn_port_unlock(state);
}

static void close_kind(uint32_t kind) {
    static const uint16_t nothing[3];
    if (open_sensors[kind] != NULL) {
        open_sensors[kind]->ended = true;
        set_open(kind, NULL);
        ask(kind, false, nothing);
    }
}

void xn_sensors_open(enum xn_sensors_kind kind, xn_sensors_slots *sensor, const uint16_t asked[3]) {
    close_kind(kind);
    nonces[kind] = (uint16_t)xn_port_time_us();
    set_open(kind, sensor);
    ask(kind, true, asked);
}

void xn_sensors_close(const xn_sensors_slots *sensor) {
    for (uint32_t kind = 0; kind < XN_SENSORS_KINDS; kind++) {
        if (open_sensors[kind] == sensor) {
            close_kind(kind);
        }
    }
}

void xn_sensors_close_all(void) {
    for (uint32_t kind = 0; kind < XN_SENSORS_KINDS; kind++) {
        close_kind(kind);
    }
}
