// Python values of the wire under libFuzzer, in MicroPython. An input is the parameters of a call;
// what the core lets through is read as values, and written and read again.
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_replay.h"
#include "micropython/vm_msgpack.h"

#include "port/micropython_embed.h"
#include "py/gc.h"
#include "py/runtime.h"
#include "py/stackctrl.h"

#define HEAP_BYTES (512u * 1024u)
#define FRESH 4096u // inputs after which the VM starts again
#define STACK_BYTES 65536u
#define FRAME_BYTES 4096u // of a reply, as on a board

static uint8_t heap[HEAP_BYTES];
static uint32_t inputs;

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

// Writes a value; false if it does not fit a frame.
static bool packed(mp_obj_t value, uint8_t *room, uint32_t *used) {
    xn_msgpack_writer w;
    xn_msgpack_begin(&w, room, FRAME_BYTES);
    xn_vm_pack(&w, value);
    *used = w.used;
    return !w.full;
}

static void round_trip(mp_obj_t value) {
    static uint8_t room[FRAME_BYTES];
    uint32_t first, again;
    if (!packed(value, room, &first)) {
        return;
    }
    xn_reader r = xn_reader_of(room, first);
    value = xn_vm_unpack(&r);
    must(r.left == 0);
    must(packed(value, room, &again) && again == first);
}

static void read_all(const uint8_t *data, uint32_t n) {
    xn_reader r = xn_reader_of(data, n);
    while (r.left > 0) {
        round_trip(xn_vm_unpack(&r));
    }
}

// As xn_call_read() does before a call reaches the VM.
static bool lets_through(const uint8_t *data, uint32_t n) {
    xn_reader r = xn_reader_of(data, n);
    while (r.left > 0) {
        if (xn_msgpack_skip(&r) != 0) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    int top;
    nlr_buf_t nlr;
    if (n > FRAME_BYTES || !lets_through(data, (uint32_t)n)) {
        return 0;
    }
    if (inputs++ % FRESH == 0) {
        mp_embed_init(heap, sizeof(heap), &top);
    }
    mp_stack_set_top(&top);
    mp_stack_set_limit(STACK_BYTES);
    if (nlr_push(&nlr) == 0) {
        read_all(data, (uint32_t)n);
        nlr_pop();
    } else { // an error of Python's own, which a host is told
        must(mp_obj_is_exception_instance(MP_OBJ_FROM_PTR(nlr.ret_val)));
    }
    if (inputs % 64 == 0) {
        gc_collect();
    }
    return 0;
}
