// What a board gives to the core: its parts and board.c implement this page, nothing more.
// The core calls these from thread level, never from an interrupt, unless it says so here.
#ifndef XN_PORT_H
#define XN_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "xn_blob.h"

// ---- Identity ----------------------------------------------------------------------------------

typedef struct xn_port_cpu {
    const char *board; // "mps3_an547"
    const char *cpu;   // "cortex-m55": the compiler's target name
    uint16_t family;   // enum xn_family
    uint16_t level;    // enum xn_level
    uint32_t features; // enum xn_feature, all present
    uint32_t hz;       // of the core as it runs now; 0: unknown
} xn_port_cpu;

const xn_port_cpu *xn_port_identity(void);

#if XN_LOCKABLE
// The policy that the firmware was built with (trust/xn_policy.h); NULL: none.
const struct xn_policy *xn_port_policy(void);
// The firmware's own bytes, as they lie in flash: code, constants, initial data. Part 0, 1, .. in
// the order of their addresses, 0 among them; false: there is no such part.
bool xn_port_image(uint32_t part, const uint8_t **at, uint32_t *bytes);
#endif

// ---- Bytes out; bytes in come from the board's receive interrupt through xn_link_receive()
// -------

// Sends n bytes, in order, and returns when all are on their way (blocking is bounded by the line
// rate; a board without flow control never waits for a listener, and one on USB gives up if its
// host does not read for 100 ms: what is dropped is asked for again). `bytes` has any alignment and
// is free when this returns.
void xn_port_send(const uint8_t *bytes, uint32_t n);

// Whether the UART can have a speed, to 2 %; a board without one has none.
bool xn_port_baud_fits(uint32_t rate);
// Changes the speed once all bytes have left. At the start it is XN_BAUD_START (xn_baud.h).
void xn_port_set_baud(uint32_t rate);

// ---- Flash: raw NOR. Offsets count from the start of the store's region.
// -------------------------

typedef struct xn_port_flash {
    uint32_t size_bytes;    // whole sectors
    uint32_t sector_bytes;  // what one erase clears to 0xFF, a power of two >= 1024
    uint32_t page_bytes;    // a program call stays within one page, a power of two >= 64
    uint32_t program_bytes; // program unit: offset and length are multiples of it; 1, 2, .. 32
    // Of a chip with sectors of two sizes: the first log_bytes of the region are sectors of
    // log_sector_bytes, a power of two from 1024 to sector_bytes, and hold the log, half of them
    // each of its areas. All behind is sectors of sector_bytes. 0: all sectors are alike.
    uint32_t log_bytes;
    uint32_t log_sector_bytes;
} xn_port_flash;

// While NOR flash erases or programs (a sector: 50 to 400 ms and more) nothing can be read or
// executed from it. So on a board whose firmware is in the same chip as the store:
// - Erase and program run from RAM, with all that they call, and end when the flash reads again:
//   back in its mapped mode, or the erase suspended. Never while a step runs: the core sees to it.
// - The receive interrupt stays on: its vector, xn_link_receive() and what that calls (xn_link.c,
//   xn_frame.c, xn_crc32.c and its table, the hook xn_link_on_text) are in RAM too.
//   A driver that must lock interrupts instead loses the frames of that time; the host repeats
//   them, at a cost. The receiver holds `window` frames, what a host sends before it waits.
// - So does whatever else interrupts: the clock (xn_port_time_us() may not fall behind, trials and
//   time limits are measured by it), fault handlers.
// - A reset may come in the middle (power, a watchdog, a person who sends five Ctrl-C): the store
//   outlives it, but a chip that goes on erasing cannot be booted from. The board resets the flash
//   too, by its pin, or by the driver at the start.
// A board with the store in a chip of its own needs none of this for its code; what is mapped
// must not be touched by interrupts or DMA during that time.
const xn_port_flash *xn_port_flash_geometry(void);
// Where the firmware, or a file system beside the store, ends if it reaches into the region, which
// the start refuses then; counted as the board names the region. 0: none does, or who knows.
uint32_t xn_port_flash_taken_until(void);
// All return 0 or XN_E_FLASH / XN_E_RANGE. Program only clears bits; a unit is programmed once
// between erases. When erase and program return, read() and the mapped bytes are the new ones: a
// driver behind a data cache invalidates the lines. `to` has any alignment.
int xn_port_flash_read(uint32_t offset, void *to, uint32_t n);
int xn_port_flash_erase(uint32_t offset); // the sector that starts there
// `from` has any alignment and may be in the flash itself: a driver that cannot read it while it
// programs copies it first, which is at most a page.
int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n);
// The address that an offset is mapped at for reading and execution; it holds until reset. What is
// behind the log's areas is mapped in one piece, from a multiple of 64 on; the areas may be mapped
// elsewhere, or not at all.
const uint8_t *xn_port_flash_map(uint32_t offset);

// ---- Memory for arenas
// ---------------------------------------------------------------------------

// The one pool that arenas are cut from, aligned to 32.
uint8_t *xn_port_arena(uint32_t *bytes);
// [*start, *end), multiples of 32, becomes what a step can reach if that is its arena: a range that
// holds it, which given again stays as it is. The pool gives away only what stays as it is, so a
// step reaches no other arena. A board whose MPU can open any 32 bytes, or that does not contain
// steps, changes nothing.
void xn_port_reach(uintptr_t *start, uintptr_t *end);
// Bytes of stack that a step may use.
uint32_t xn_port_step_stack(void);

// ---- Time, caches, power
// ---------------------------------------------------------------------------

uint64_t xn_port_time_us(void); // since boot, monotonic; callable from interrupts and while locked
// Makes code at [at, at + n) fit to execute and to read: clean and invalidate the data cache's
// lines, invalidate instruction cache and branch predictor, DSB, ISB. Also called after flash was
// written, before it is looked at through its map: no stale line may be left.
void xn_port_sync_code(const void *at, uint32_t n);

typedef struct xn_port_step {
    xn_step_fn *function;
    const xn_ctx *ctx;
    const uint8_t *blob; // the step may read and execute it
    uint32_t blob_bytes;
    uint32_t weights_bytes; // at ctx->weights, which it may read; 0: they are in the blob
    uint32_t arena_bytes;   // of ctx->arena, which it may read and write: as xn_port_reach() gave
    int32_t number;         // for a report
    uint32_t limit_ms;      // the step has so long; 0: no limit
} xn_port_step;

typedef struct xn_port_stop {
    uint32_t pc, address; // where it was, what it touched; address 0xFFFFFFFF: unknown
    int32_t returned;     // what the step returned
    uint32_t cfsr, sfsr;  // of a Cortex-M; sfsr: of the Armv8-M's Security Extension, else 0
} xn_port_stop;

// Runs one step, on a stack of its own of xn_port_step_stack() bytes: XN_OK, and in why->returned
// what it returned, whatever that is. A board that contains steps returns XN_E_FAULT or
// XN_E_DEADLINE, and fills the rest of *why, if a step faulted or did not return in time; others
// store a report and reset. Any other error says that the step was not run, now and here.
int xn_port_run_step(const xn_port_step *step, xn_port_stop *why);
// Guards data shared with the receive interrupt; nestable by passing the returned state back.
uint32_t xn_port_lock(void);
void xn_port_unlock(uint32_t state);
// Restarts the board; does not return on a board. May be called from an interrupt.
void xn_port_reset(void);

// ---- Asked of a firmware that can be locked, alone
// -----------------------------------------

// Fills n bytes from a source of random numbers that nobody can foresee, and returns its name, at
// most 15 characters. NULL: there is none, or it fails; the bytes are of no use then.
const char *xn_port_entropy(uint8_t *to, uint32_t n);
// A number that only grows and that nobody who writes the flash takes back: one-time programmable
// bits, a monotonic counter. Of a board without one it is 0 and stays so, and raising it is XN_OK.
// Raised to `floor`, which is more than it is: XN_E_FLASH if the chip does not take it.
uint32_t xn_port_floor(void);
int xn_port_raise_floor(uint32_t floor);

// ---- Why the board started ----------------------------------------------------------------------

enum xn_port_boot_cause {
    XN_PORT_BOOT_POWER = 0,
    XN_PORT_BOOT_RESET = 1,
    XN_PORT_BOOT_FAULT = 2,
    XN_PORT_BOOT_DEADLINE =
        3 // a step did not return in time, on a board that does not contain them
};

typedef struct xn_port_boot {
    uint32_t cause;                   // enum xn_port_boot_cause
    uint32_t resets;                  // resets since power-on, faults included
    int32_t fault_step;               // step that ran when the fault came, -1: none was running
    uint32_t pc, address, cfsr, hfsr; // of the last fault; address 0xFFFFFFFF: not valid
} xn_port_boot;

const xn_port_boot *xn_port_boot_report(void);
// A word that outlives a reset, but not power: 0 at power-on.
uint32_t xn_port_kept(void);
void xn_port_keep(uint32_t word); // may be called from an interrupt

#endif
