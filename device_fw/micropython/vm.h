// The VM as a service of the firmware: what the application calls, and what its parts share.
#ifndef XN_VM_H
#define XN_VM_H

#include <stdbool.h>
#include <stdint.h>

// Tells the core that a VM is here; once, before the server starts.
void xn_vm_attach(void);
// One life of the VM: from start to soft reset.
void xn_vm_live(void);
// Handles what came over the wire, the VM's own requests included. Called from the VM's hooks.
void xn_vm_poll(void);
// Sleeps until something may have come, at most timeout_ms; -1: however long it takes.
void xn_vm_wait(int32_t timeout_ms);
// Whether Python requests may be taken: only while the VM lives.
void xn_vm_open(bool alive);

// A frame's bytes, for what is packed and sent at once: no Python may run in between.
extern uint8_t xn_vm_frame[];

#endif
