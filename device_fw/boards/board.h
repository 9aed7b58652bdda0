// What a board implements beside core/base/xn_port.h, for the firmware of its own.
#ifndef XN_BOARD_H
#define XN_BOARD_H

// Starts what the board is made of, in its order; once, before anything else.
void xn_board_start(void);
// Every external interrupt: the board knows which of them it has enabled.
void xn_board_interrupt(void);

#endif
