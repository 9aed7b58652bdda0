// The core as a process: a board whose UART is standard input and output.
#ifndef XN_PROCESS_H
#define XN_PROCESS_H

#include "base/xn_port.h"
#include "rpc/xn_lane.h"

// What plays the board's Python, and its user's terminal.
typedef struct xn_process_vm {
    const char *version; // in hello; "": there is none, and the core refuses its methods
    void (*serve)(const xn_lane_request *request);
    void (*interrupt)(void);     // NULL: nothing to interrupt
    void (*typed)(uint8_t byte); // a byte of text came; NULL: it is dropped
    int fd;                      // a further input; -1: none
    void (*fd_ready)(void);      // it has bytes, or its other end is closed
} xn_process_vm;

// Runs the board until standard input ends: `PROGRAM FLASH_FILE ARENA_BYTES`. The size of the file
// is that of the flash. A restart is an exec of the same program: only the flash and the words that
// a reset keeps outlive it.
int xn_process_run(int argc, char **argv, const xn_process_vm *vm);
// Restarts the board; `boot` says why.
_Noreturn void xn_process_restart(const xn_port_boot *boot);

#endif
