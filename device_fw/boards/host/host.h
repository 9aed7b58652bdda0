// The core on this computer: a board without hardware, for tests and for the process of main.c.
// It has neither an MPU nor MicroPython; its flash keeps the rules of NOR and fails on request.
#ifndef XN_HOST_H
#define XN_HOST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/xn_port.h"

// How a flash operation goes wrong: power fails at some point of it, or it reports an error.
enum xn_host_cut {
    XN_HOST_CUT_BEFORE,
    XN_HOST_CUT_EARLY,
    XN_HOST_CUT_LATE,
    XN_HOST_CUT_TORN, // some words of a program are done, others not or half
    XN_HOST_CUT_AFTER,
    XN_HOST_CUTS,
    XN_HOST_ERROR_UNDONE = XN_HOST_CUTS,
    XN_HOST_ERROR_DONE,
    XN_HOST_CUT_MODES
};

typedef struct xn_host_state {
    uint32_t baud; // 0: never changed
    xn_port_flash flash;
    uint32_t flash_taken_until; // xn_port_flash_taken_until()
    uint8_t *bytes;             // the flash, executable
    uint8_t *programmed;        // 1 per program unit since its last erase
    uint32_t operations;        // erases and programs so far
    uint32_t cut_at;            // operation that goes wrong, counted from 1; 0: none
    enum xn_host_cut cut_mode;
    uint32_t deaf_sector;  // cannot be erased, and says so: its number from 1 on, 0: none
    uint32_t stuck_sector; // has bits that an erase does not set, and does not say so
    uint32_t *erased;      // times, of each sector
    uint64_t read_bytes;
    jmp_buf cut; // a cut jumps there
    uint64_t clock_skip_us;
    uint32_t resets;
    int32_t step; // that runs, -1: none
    uint32_t limit_ms;
} xn_host_state;

// A test's step returns these to play one that faults, that does not return in time, or that took
// five minutes.
#define XN_HOST_STEP_FAULTS (-1000)
#define XN_HOST_STEP_HANGS (-1001)
#define XN_HOST_STEP_LONG (-1002)
#define XN_HOST_STEP_NOT_HERE (-1003)

extern xn_host_state xn_host;
extern xn_port_boot xn_host_boot; // why the board started

// Starts with blank flash in RAM, or with that of a file, which keeps it.
void xn_host_init(const xn_port_flash *flash, const char *file);
extern uint8_t *xn_host_arena; // the pool of arenas, 4 MB
void xn_host_set_arena(uint32_t bytes);
// xn_port_reach() of a board with an MPU; NULL: every range is exact.
extern void (*xn_host_reach)(uintptr_t *start, uintptr_t *end);
// Called before each step, for what a receive interrupt would do; NULL: nothing.
extern void (*xn_host_on_step)(void);
// Where xn_port_send() puts its bytes.
extern void (*xn_host_sent)(const uint8_t *bytes, uint32_t n);
#if XN_LOCKABLE
extern const struct xn_policy *xn_host_policy; // that the firmware was built with; NULL: none
// One-time programmable bits for the floor of the security counter; NULL: the chip has none.
typedef struct xn_host_counter {
    uint32_t floor;
    bool worn; // it takes no more
} xn_host_counter;
extern xn_host_counter *xn_host_floor;
#endif
// Restarts the board; NULL: a reset is only counted.
extern void (*xn_host_on_reset)(void);

// Ends the process with a message if the condition does not hold.
#define XN_HOST_CHECK(condition)                                                                   \
    ((condition) ? (void)0 : xn_host_fail(__FILE__, __LINE__, #condition))
void xn_host_fail(const char *file, int line, const char *condition);

#endif
