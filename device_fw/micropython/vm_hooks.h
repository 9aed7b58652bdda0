// Where the VM looks after the core, in MicroPython's own words: part of a port's configuration.
#ifndef XN_VM_HOOKS_H
#define XN_VM_HOOKS_H

void xn_vm_poll(void);

// The VM looks after every 32nd backward jump or call return: often enough to answer in well under
// a millisecond, seldom enough to cost nothing.
#define MICROPY_VM_HOOK_COUNT (32)
#define MICROPY_VM_HOOK_INIT static uint8_t vm_hook_left = MICROPY_VM_HOOK_COUNT;
#define MICROPY_VM_HOOK_POLL                                                                       \
    if (--vm_hook_left == 0) {                                                                     \
        vm_hook_left = MICROPY_VM_HOOK_COUNT;                                                      \
        xn_vm_poll();                                                                              \
    }
#define MICROPY_VM_HOOK_LOOP MICROPY_VM_HOOK_POLL
// An interrupt is looked at after jumps alone: a function without any, called for ever by a builtin
// such as sort(), would never see it. What such a function returns is the exception instead.
#define MICROPY_VM_HOOK_RETURN                                                                     \
    MICROPY_VM_HOOK_POLL                                                                           \
    if (MP_STATE_VM(sched_state) == MP_SCHED_PENDING &&                                            \
        MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL) {                                    \
        code_state->state[0] = MP_STATE_THREAD(mp_pending_exception);                              \
        MP_STATE_THREAD(mp_pending_exception) = MP_OBJ_NULL;                                       \
        FRAME_LEAVE();                                                                             \
        return MP_VM_RETURN_EXCEPTION;                                                             \
    }

#endif
