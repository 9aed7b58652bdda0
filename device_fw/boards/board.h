// What a board's board.c, made from its TOML, implements beside what its parts do of
// core/base/xn_port.h.
#ifndef XN_BOARD_H
#define XN_BOARD_H

// Starts the board's devices; called once, before anything else.
void xn_board_start(void);
// Handles every external interrupt: the board knows which of them it has enabled.
void xn_board_interrupt(void);

#endif
