// The VM as a service of the firmware: what the application calls, and what its parts share.
#ifndef XN_VM_H
#define XN_VM_H

#include <stdbool.h>
#include <stdint.h>

// Tells the core that a VM is here; once, before the server starts.
void xn_vm_attach(void);
// Lives of the VM, each from its start to a soft reset, for ever.
_Noreturn void xn_vm_live(void);
// Handles what came over the wire, the VM's own requests included. Called from the VM's hooks.
void xn_vm_poll(void);
// The same without Python's requests: where no Python may run in between.
void xn_vm_poll_wire(void);
// Sleeps until something may have come, at most timeout_ms; -1: however long it takes.
void xn_vm_wait(int32_t timeout_ms);
// Whether Python requests may be taken: only while the VM lives.
void xn_vm_open(bool alive);

// Whether nothing but sealed scripts has run in this life, on a board that was locked all the time.
bool xn_vm_sealed(void);

// Whether it can be attended (arch/cortexm/attend.h) and given up: a script of the start runs, or
// the prompt was there.
extern volatile bool xn_vm_begun;
// Ticks of the clock for which a request has waited since one of the two polls, and for which an
// interrupt has since xn_vm_poll(), 0: none.
extern volatile uint32_t xn_vm_waited, xn_vm_deaf;

// A frame's bytes, for what is packed and sent at once: no Python may run in between.
extern uint8_t xn_vm_frame[];

#endif
