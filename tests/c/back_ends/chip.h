// A NOR chip at the address that a back end expects it at, with the rules of its kind. What breaks
// one ends the program.
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stdint.h>

#define CHIP_CHECK(condition) ((condition) ? (void)0 : chip_fail(__FILE__, __LINE__, #condition))

typedef struct chip {
    uint32_t address, bytes; // where it is mapped
    uint32_t unit;           // what is programmed at once
    uint32_t writes;         // how often a unit may be programmed between erases
} chip;

extern const chip chip_here; // of the vendor's functions that are linked

_Noreturn void chip_fail(const char *file, int line, const char *what);
void chip_begin(void);
// While it is away, the first touch of its memory ends the program.
void chip_map(bool here);
void chip_erase(uint32_t address, uint32_t n);
void chip_program(uint32_t address, const uint8_t *from, uint32_t n);
bool chip_has(const void *at);

extern uint32_t chip_erased, chip_programmed; // calls

#endif
