// The VM is a service: sources and calls each have a lane, with one request at a time. A lane keeps
// its last reply until its next request.
#ifndef XN_LANE_H
#define XN_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "link/xn_frame.h"

enum xn_lane_kind {
    XN_LANE_EXEC, // text is source
    XN_LANE_EVAL, // text is source
    XN_LANE_CALL, // text is a function's name, params its arguments: a msgpack array and a map
    XN_LANE_LIST, // params is the number of the first function to list: msgpack
};

#ifndef XN_LANE_VM
#define XN_LANE_VM 1 // 0: a firmware without a VM, which has none of the methods of one
#endif

typedef struct xn_lane_request {
    uint32_t id;
    enum xn_lane_kind kind;
    const char *text; // not terminated; stays until the reply
    uint32_t text_bytes;
    const uint8_t *params; // well-formed
    uint32_t params_bytes;
} xn_lane_request;

// Bytes of a result that surely fit a reply.
#define XN_LANE_RESULT_MAX (XN_FRAME_MAX - 16u)

// Whether a request waits to be taken: cheap.
bool xn_lane_waiting(void);
// The request to work on now, or NULL; its host's line is at work (xn_link_line) until it is
// answered. One of the two functions below must answer it, by its id. A
// call may be taken while a source is at work, and the other way round.
const xn_lane_request *xn_lane_take(void);
// `result` is one msgpack value; one that does not fit becomes the error XN_E_TOO_LONG.
void xn_lane_reply(uint32_t id, const uint8_t *result, uint32_t n);
// `detail` may be NULL; what does not fit is cut off at its start (the end of a traceback says
// more).
void xn_lane_error(uint32_t id, int code, const char *message, const char *detail);

enum xn_lane_cause {
    XN_LANE_WAITED = 1, // a request waited too long for the running builtin
    XN_LANE_DEAF = 2,   // an interrupt had no effect
    XN_LANE_LOCKED = 3, // the board was locked: nothing that is not sealed goes on
    XN_LANE_BUNDLE = 4, // another bundle, another version of it, or none is active now
};

// Of the VM since the board started.
typedef struct xn_lane_restarts {
    uint32_t restarts;
    uint32_t cause; // of the last, enum xn_lane_cause; 0: none
} xn_lane_restarts;
extern xn_lane_restarts xn_lane_vm;

// The VM was given up and starts again: what it was at work on ends with XN_E_RESTARTED. Whether
// that was anything.
bool xn_lane_restart(enum xn_lane_cause cause, const char *message);

// Hooks of the VM; NULL if there is none. They are called from xn_server_poll() and
// xn_server_attend().
extern void (*xn_lane_on_interrupt)(void); // raise KeyboardInterrupt in the running code
extern const char *xn_lane_vm_version;     // "1.25.0" in hello; "" without a VM

// ---- For the server ---------------------------------------------------------------------------

void xn_lane_init(void);
// A new session: nobody waits for earlier requests.
void xn_lane_forget(void);
// Queues a request for the VM, with text and parameters of one frame. XN_E_METHOD: there is no VM;
// XN_E_BUSY: its lane is taken. XN_E_RESULT: it came before, and its reply gave way to another
// line's.
int xn_lane_queue(const xn_lane_request *request);
bool xn_lane_works_on(uint32_t id);                          // it waits or is at work
bool xn_lane_at_work(void);                                  // on a request of anybody
const uint8_t *xn_lane_last_reply(uint32_t id, uint32_t *n); // NULL: not this one

#endif
