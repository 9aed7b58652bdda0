// What runner.c and a machine (arm.c, riscv.c) take from each other.
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

// runner.c: called once, on a stack of more than 32 KB.
void run_program(void);

// The machine: what to add to a function's address, a file for the test, the end.
extern const uintptr_t mode_bits;
void write_file(const char *name, uint32_t name_bytes, const void *data, uint32_t bytes);
_Noreturn void leave(int has_failed);

#endif
