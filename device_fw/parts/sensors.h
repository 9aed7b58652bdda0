// A sensor captures pieces (frames, chunks of sound) into slots, whatever the thread is at.
#ifndef XN_SENSORS_H
#define XN_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

enum xn_sensors_kind { XN_SENSORS_CAMERA, XN_SENSORS_MIC, XN_SENSORS_KINDS };

// A piece that finds no free slot is lost as a whole, and counted: what follows stays aligned.
typedef struct xn_sensors_slots {
    uint8_t *slots;                    // [count][bytes]
    uint64_t *at_us;                   // [count]: when the last byte of each was captured
    uint32_t bytes;                    // of a piece
    uint32_t count;                    // of the slots
    volatile uint32_t captured, taken; // pieces since it was opened
    volatile uint32_t dropped;
    volatile bool ended; // nothing more comes
} xn_sensors_slots;

// Starts a sensor, with what its kind is asked for: height, width, channels; or the rate (lower
// half first) and the items of a chunk. One that is open of the same kind stops.
void xn_sensors_open(enum xn_sensors_kind kind, xn_sensors_slots *sensor, const uint16_t asked[3]);
void xn_sensors_close(const xn_sensors_slots *sensor); // one that is not open is ignored
void xn_sensors_close_all(void);

#endif
