// What a board implements beside core/base/xn_port.h, for this firmware.
#ifndef XN_BOARD_H
#define XN_BOARD_H

// Starts the board's devices; called once, before anything else.
void xn_board_start(void);
// Handles every external interrupt: the board knows which of them it has enabled.
void xn_board_interrupt(void);

#endif
