#include "xn_vm.h"

#include <string.h>

#include "xn_error.h"
#include "xn_methods.h"
#include "xn_server.h"

enum state { IDLE, WAITING, TAKEN };

static struct {
    enum state state;
    bool forgotten; // taken in an earlier session
    xn_vm_request request;
    uint8_t bytes[XN_FRAME_MAX]; // the request's text and parameters, then its reply
    uint32_t reply_bytes;        // 0: no reply is kept
} vm;

void (*xn_server_on_interrupt)(void);
bool (*xn_server_vm_claims)(const char *method, uint32_t n);

void xn_vm_init(void) {
    vm.state = IDLE;
    vm.reply_bytes = 0;
}

// ---- Requests ---------------------------------------------------------------------------------

static int queue(uint32_t id, enum xn_vm_kind kind, const char *text, uint32_t text_bytes,
                 const uint8_t *params, uint32_t params_bytes) {
    if (vm.state != IDLE) {
        return XN_E_BUSY;
    }
    // Both are parts of one frame: they fit.
    memcpy(vm.bytes, text, text_bytes);
    if (params_bytes > 0) {
        memcpy(vm.bytes + text_bytes, params, params_bytes);
    }
    vm.reply_bytes = 0;
    vm.request.id = id;
    vm.request.kind = kind;
    vm.request.text = (const char *)vm.bytes;
    vm.request.text_bytes = text_bytes;
    vm.request.params = vm.bytes + text_bytes;
    vm.request.params_bytes = params_bytes;
    vm.forgotten = false;
    vm.state = WAITING;
    return XN_METHOD_LATER;
}

static int queue_source(xn_call *call, enum xn_vm_kind kind) {
    uint32_t n;
    const char *source = xn_call_str(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK && xn_server_vm_version[0] == 0) {
        return XN_E_METHOD; // there is no VM
    }
    return status != XN_OK ? status : queue(call->id, kind, source, n, NULL, 0);
}

int xn_method_exec(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_VM_EXEC);
}

int xn_method_eval(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_VM_EVAL);
}

int xn_vm_queue_call(const xn_call *call) {
    return queue(call->id, XN_VM_CALL, call->method, call->method_bytes, call->params,
                 call->params_bytes);
}

int xn_method_interrupt(xn_call *call, xn_msgpack_writer *out) {
    int status = xn_call_end(call);
    if (status == XN_OK) {
        if (xn_server_on_interrupt != NULL) {
            xn_server_on_interrupt();
        }
        xn_msgpack_put_nil(out);
    }
    return status;
}

bool xn_server_vm_waiting(void) {
    return vm.state == WAITING;
}

const xn_vm_request *xn_server_vm_take(void) {
    if (vm.state != WAITING) {
        return NULL;
    }
    vm.state = TAKEN;
    return &vm.request;
}

bool xn_vm_works_on(uint32_t id) {
    return vm.state != IDLE && !vm.forgotten && vm.request.id == id;
}

// ---- Replies ----------------------------------------------------------------------------------

void xn_vm_forget(void) {
    if (vm.state == WAITING) {
        vm.state = IDLE;
    }
    vm.forgotten = true;
    vm.reply_bytes = 0;
}

bool xn_vm_finish(uint32_t id) {
    if (vm.state != TAKEN || vm.request.id != id) {
        return false;
    }
    vm.state = IDLE;
    return !vm.forgotten;
}

void xn_vm_keep_reply(uint32_t id, const uint8_t *bytes, uint32_t n) {
    vm.request.id = id;
    vm.reply_bytes = n;
    memcpy(vm.bytes, bytes, n);
}

const uint8_t *xn_vm_last_reply(uint32_t id, uint32_t *n) {
    if (vm.state != IDLE || vm.reply_bytes == 0 || vm.request.id != id) {
        return NULL;
    }
    *n = vm.reply_bytes;
    return vm.bytes;
}
