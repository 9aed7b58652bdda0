// A board in this process: NOR flash in RAM or in a file, with its rules enforced and power cuts.
#ifndef PORT_HOST_H
#define PORT_HOST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/xn_port.h"

// How a flash operation goes wrong: power fails at some point of it, or it reports an error.
enum host_cut {
    HOST_CUT_BEFORE,
    HOST_CUT_EARLY,
    HOST_CUT_LATE,
    HOST_CUT_TORN, // some words of a program are done, others not or half
    HOST_CUT_AFTER,
    HOST_CUTS,
    HOST_ERROR_UNDONE = HOST_CUTS,
    HOST_ERROR_DONE,
    HOST_CUT_MODES
};

typedef struct host_state {
    uint32_t baud; // 0: never changed
    xn_port_flash flash;
    uint8_t *bytes;      // the flash, executable
    uint8_t *programmed; // 1 per program unit since its last erase
    uint32_t operations; // erases and programs so far
    uint32_t cut_at;     // operation that goes wrong, counted from 1; 0: none
    enum host_cut cut_mode;
    uint32_t deaf_sector;  // cannot be erased, and says so: its number from 1 on, 0: none
    uint32_t stuck_sector; // has bits that an erase does not set, and does not say so
    uint32_t *erased;      // times, of each sector
    uint64_t read_bytes;
    jmp_buf cut; // where the failure leads
    uint64_t clock_skip_us;
    uint32_t resets;
    int32_t step; // that runs, -1: none
    uint32_t limit_ms;
} host_state;

// What a step returns to stand for one that the board had to stop.
#define HOST_STEP_FAULTS (-1000)
#define HOST_STEP_HANGS (-1001)

extern host_state host;
extern xn_port_boot host_boot; // why the board started

// Makes the flash anew; file: its bytes are kept there (NULL: blank, in RAM).
void host_init(const xn_port_flash *flash, const char *file);
void host_set_arena(uint32_t bytes);
// Called before each step: what a receive interrupt would do meanwhile (NULL: nothing).
extern void (*host_on_step)(void);
// Where xn_port_send() puts its bytes.
extern void (*host_sent)(const uint8_t *bytes, uint32_t n);

// Ends the process with a message where the condition does not hold.
#define CHECK(condition) ((condition) ? (void)0 : host_fail(__FILE__, __LINE__, #condition))
void host_fail(const char *file, int line, const char *condition);

#endif
