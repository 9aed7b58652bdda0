// The VM's requests, at most one source and one call: what waits for it, what it works on, what it
// answered last. Inner part of xn_server.
#ifndef XN_VM_H
#define XN_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc/xn_call.h"

void xn_vm_init(void);
bool xn_vm_works_on(uint32_t id); // it waits or is at work
// A new session: nobody waits for the answer any more.
void xn_vm_forget(void);
// The VM answers: false where nobody waits for it.
bool xn_vm_finish(uint32_t id);
void xn_vm_keep_reply(uint32_t id, const uint8_t *bytes, uint32_t n);
const uint8_t *xn_vm_last_reply(uint32_t id, uint32_t *n); // NULL: not this one

#endif
