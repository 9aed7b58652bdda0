// Answers requests (docs/SPEC-wire.md sections 2 and 3). All at thread level.
#ifndef XN_SERVER_H
#define XN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "link/xn_link.h"

// Once, after the board is up and receives: takes the pool, mounts the store, opens the active
// model, sends "boot".
void xn_server_init(void);
// Whether xn_server_poll() has something to do. Cheap: for the VM hook and the idle loop.
bool xn_server_pending(void);
// Handles all frames that wait. Within itself (from a port's wait loop) it does nothing.
void xn_server_poll(void);

// Whether the host of this session wants events (`events` in the specification), and the number of
// the next one; it is sent as a whole message.
bool xn_server_next_event(uint32_t *number);
void xn_server_send_event(const uint8_t *message, uint32_t n);

// ---- The VM is a service: one source and one call at a time -----------------------------------

enum xn_vm_kind {
    XN_VM_EXEC, // text is source
    XN_VM_EVAL, // text is source
    XN_VM_CALL, // text is a function's name, params its arguments: a msgpack array and a map
    XN_VM_LIST, // params is the number of the first function to tell of: msgpack
};

typedef struct xn_vm_request {
    uint32_t id;
    enum xn_vm_kind kind;
    const char *text; // not terminated; stays until the reply
    uint32_t text_bytes;
    const uint8_t *params; // well-formed
    uint32_t params_bytes;
} xn_vm_request;

// Bytes of a result that surely fit a reply.
#define XN_VM_RESULT_MAX (XN_FRAME_MAX - 16u)

// Whether a request waits to be taken: cheap.
bool xn_server_vm_waiting(void);
// The request to work on now, or NULL. Must be answered by one of the two below, by its id. A call
// may be taken while a source is at work, and the other way round.
const xn_vm_request *xn_server_vm_take(void);
// `result` is one msgpack value; one that does not fit becomes the error XN_E_TOO_LONG.
void xn_server_vm_reply(uint32_t id, const uint8_t *result, uint32_t n);
// `detail` may be NULL; what does not fit is cut off at its start (the end of a traceback says
// more).
void xn_server_vm_error(uint32_t id, int code, const char *message, const char *detail);

// Hooks of the VM; NULL where there is none. They are called from xn_server_poll().
extern void (*xn_server_on_interrupt)(void); // raise KeyboardInterrupt in the running code
extern const char *xn_server_vm_version;     // "1.25.0" in hello; "" without a VM

#endif
