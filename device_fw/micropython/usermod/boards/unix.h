// What the unix port's headers lack, for all of the module: -include this file.
#ifndef XN_UNIX_H
#define XN_UNIX_H

extern int mp_interrupt_char; // the port knows signals alone

#endif
