// What the unix port's headers lack, for all of the module: -include this file.
#ifndef XN_UNIX_H
#define XN_UNIX_H

// The port knows signals alone, and has a type of its own for what this header declares.
#define MICROPY_INCLUDED_LIB_UTILS_INTERRUPT_CHAR_H
extern int mp_interrupt_char;

#endif
