#include "rpc/xn_lane.h"

#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_msgpack.h"
#include "base/xn_status.h"
#include "link/xn_link.h"
#include "rpc/xn_reply.h"

#define LANE_BYTES (XN_LANE_VM ? XN_FRAME_MAX : 1u)

enum state { IDLE, WAITING, TAKEN };

typedef struct lane {
    enum state state;
    bool forgotten; // taken in an earlier session
    uint32_t line;  // of the host
    uint32_t outer; // that was at work when it was taken
    xn_lane_request request;
    uint8_t bytes[LANE_BYTES]; // the request's text and parameters, then its reply
    uint32_t reply_bytes;      // 0: no reply is kept
} lane;

#define LANES 2u
static lane lanes[LANES];

#if XN_LINK_LINES > 1
// The last request of each line: a lane keeps its reply only until that of another line comes.
static struct {
    bool known;
    uint32_t id;
} last[LANES][XN_LINK_LINES];
#endif

// Whether it was executed already, and its reply is gone.
static bool was_executed(const xn_lane_request *request) {
#if XN_LINK_LINES > 1
    for (uint32_t i = 0; i < LANES; i++) {
        if (last[i][xn_link_line].known && last[i][xn_link_line].id == request->id) {
            return true;
        }
    }
#else
    (void)request;
#endif
    return false;
}

static void note_executed(const lane *of) {
#if XN_LINK_LINES > 1
    last[of - lanes][of->line].known = true;
    last[of - lanes][of->line].id = of->request.id;
#else
    (void)of;
#endif
}

void (*xn_lane_on_interrupt)(void);
const char *xn_lane_vm_version = "";
xn_lane_restarts xn_lane_vm;

static lane *lane_for(enum xn_lane_kind kind) {
    return &lanes[kind == XN_LANE_CALL || kind == XN_LANE_LIST];
}

// The lane whose last request has that id, on the line at work, or NULL.
static lane *lane_of(uint32_t id) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].request.id == id && lanes[i].line == xn_link_line &&
            (lanes[i].state != IDLE || lanes[i].reply_bytes > 0)) {
            return &lanes[i];
        }
    }
    return NULL;
}

void xn_lane_init(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        lanes[i].state = IDLE;
        lanes[i].reply_bytes = 0;
    }
}

// ---- Requests ---------------------------------------------------------------------------------

int xn_lane_queue(const xn_lane_request *request) {
    lane *to = lane_for(request->kind);
    if (xn_lane_vm_version[0] == 0) {
        return XN_E_METHOD;
    }
    const lane *same = lane_of(request->id); // of an earlier session, still at work
    if (to->state != IDLE || (same != NULL && same->state != IDLE)) {
        return XN_E_BUSY;
    }
    if (was_executed(request)) {
        return XN_E_RESULT;
    }
    memcpy(to->bytes, request->text, request->text_bytes);
    if (request->params_bytes > 0) {
        memcpy(to->bytes + request->text_bytes, request->params, request->params_bytes);
    }
    to->reply_bytes = 0;
    to->request = *request;
    to->request.text = (const char *)to->bytes;
    to->request.params = to->bytes + request->text_bytes;
    to->line = xn_link_line;
    to->forgotten = false;
    to->state = WAITING;
    return XN_OK;
}

bool xn_lane_waiting(void) {
    return lanes[0].state == WAITING || lanes[1].state == WAITING;
}

const xn_lane_request *xn_lane_take(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].state == WAITING) {
            lanes[i].state = TAKEN;
            note_executed(&lanes[i]);
            lanes[i].outer = xn_link_line;
            xn_link_line = lanes[i].line; // what it prints, sends and emits goes there
            return &lanes[i].request;
        }
    }
    return NULL;
}

bool xn_lane_works_on(uint32_t id) {
    const lane *of = lane_of(id);
    return of != NULL && of->state != IDLE && !of->forgotten;
}

bool xn_lane_at_work(void) {
    return lanes[0].state == TAKEN || lanes[1].state == TAKEN;
}

// ---- Replies ----------------------------------------------------------------------------------

void xn_lane_forget(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].line == xn_link_line) {
            if (lanes[i].state == WAITING) {
                lanes[i].state = IDLE;
            }
            lanes[i].forgotten = true;
            lanes[i].reply_bytes = 0;
        }
#if XN_LINK_LINES > 1
        last[i][xn_link_line].known = false;
#endif
    }
}

// The lane whose request is answered now, or NULL: nobody waits.
static lane *finish(uint32_t id) {
    lane *of = lane_of(id);
    if (of == NULL || of->state != TAKEN) {
        return NULL;
    }
    of->state = IDLE;
    return of;
}

static void send_reply(lane *of) {
    uint32_t n;
    const uint8_t *bytes = xn_reply_bytes(&n);
    of->reply_bytes = n;
    memcpy(of->bytes, bytes, n);
    xn_reply_send();
}

static void leave(const lane *of) {
    if (of != NULL) {
        xn_link_line = of->outer;
    }
}

void xn_lane_reply(uint32_t id, const uint8_t *result, uint32_t n) {
    xn_msgpack_writer w;
    xn_busy_begin();
    lane *of = finish(id);
    if (of != NULL && !of->forgotten) {
        xn_reply_begin(&w, id);
        xn_msgpack_put_raw(&w, result, n);
        xn_reply_finish(&w, id);
        send_reply(of);
    }
    leave(of);
    xn_busy_end();
}

void xn_lane_error(uint32_t id, int code, const char *message, const char *detail) {
    xn_busy_begin();
    lane *of = finish(id);
    if (of != NULL && !of->forgotten) {
        xn_reply_error(id, code, message, detail);
        send_reply(of);
    }
    leave(of);
    xn_busy_end();
}

bool xn_lane_restart(enum xn_lane_cause cause, const char *message) {
    bool any = false;
    xn_lane_vm.restarts++;
    xn_lane_vm.cause = cause;
    for (uint32_t i = 0; i < LANES; i++) {
        any = any || lanes[i].state == TAKEN;
        xn_link_line = lanes[i].line;
        xn_lane_error(lanes[i].request.id, XN_E_RESTARTED, message, NULL);
    }
    xn_link_line = 0;
    return any;
}

const uint8_t *xn_lane_last_reply(uint32_t id, uint32_t *n) {
    const lane *of = lane_of(id);
    if (of == NULL || of->state != IDLE || of->reply_bytes == 0) {
        return NULL;
    }
    *n = of->reply_bytes;
    return of->bytes;
}
