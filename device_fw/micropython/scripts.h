// The scripts that run by themselves: boot and main, from the active bundle, the store or the file
// system.
#ifndef XN_SCRIPTS_H
#define XN_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>

// Runs them, unless safe mode forbids it; `after_reset`: in the first life of the VM. When it
// returns no script runs.
void xn_scripts_run(bool after_reset);
// The VM is given up: whether they ran.
bool xn_scripts_end(void);
// Called from the VM's hook while they run: notes that they have run for long.
void xn_scripts_poll(void);
// Called from the receive interrupt: a Ctrl-C came. Five in a row while boot or main runs, less
// than a second apart, restart the board in safe mode.
void xn_scripts_on_break(void);

#endif
