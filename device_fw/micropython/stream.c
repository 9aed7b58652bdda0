// What model.stream(source) returns: an iterator that fills a window from a source, runs it, and
// slides it on (docs/STREAMS.md).
#include "micropython/stream.h"

#include "micropython/model_run.h"

#include "core/base/xn_port.h"

#include "py/objarray.h"
#include "py/runtime.h"

#include <string.h>

typedef struct stream_object {
    mp_obj_base_t base;
    mp_obj_t run; // the model's method
    mp_obj_t source;
    mp_obj_t shape;          // None: the window is no picture
    mp_obj_array_t *missing; // of the window, what the source is asked for
    uint8_t *window;
    size_t bytes, hop_bytes, filled; // of the window
} stream_object;

static const mp_obj_type_t stream_type;

// ---- Making -------------------------------------------------------------------------------------

static size_t bytes_of_shape(mp_obj_t shape) {
    size_t n, bytes = 1;
    mp_obj_t *sides;
    mp_obj_get_array(shape, &n, &sides);
    while (n > 0) {
        mp_int_t side = mp_obj_get_int(sides[--n]);
        if (side < 1 || (size_t)side > UINT16_MAX || bytes > UINT16_MAX) {
            mp_raise_ValueError(MP_ERROR_TEXT("shape must be of sides from 1 to 65535"));
        }
        bytes *= (size_t)side;
    }
    return bytes;
}

// A number of items from 1 to `most`; without one, `most`.
static size_t items_of(mp_obj_t given, size_t most) {
    size_t items = given == mp_const_none ? most : (size_t)mp_obj_get_int(given);
    if (items < 1 || items > most) {
        mp_raise_msg_varg(&mp_type_ValueError,
                          MP_ERROR_TEXT("hop and window must be 1 to %u items; one is %d"),
                          (unsigned)most, (int)items);
    }
    return items;
}

mp_obj_t xn_stream_new(xn_runner_model *model, size_t n, const mp_obj_t *args, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {
        {MP_QSTR_source, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL}},
        {MP_QSTR_hop, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        {MP_QSTR_window, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        {MP_QSTR_shape, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
    };
    mp_arg_val_t given[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n - 1, args + 1, kw, MP_ARRAY_SIZE(allowed), allowed, given);
    stream_object *self = mp_obj_malloc(stream_object, &stream_type);
    self->source = given[0].u_obj;
    self->shape = given[3].u_obj;
    uint32_t input_bytes = 0;
    xn_runner_input(model, 0, &input_bytes);
    mp_obj_t input = ((mp_obj_tuple_t *)MP_OBJ_TO_PTR(xn_model_inputs(model)))->items[0];
    size_t items = (size_t)MP_OBJ_SMALL_INT_VALUE(mp_obj_len(input));
    size_t item_bytes = input_bytes / items;
    if (self->shape != mp_const_none) {
        items = bytes_of_shape(self->shape);
        item_bytes = 1;
    }
    size_t window = items_of(given[2].u_obj, items);
    self->bytes = window * item_bytes;
    self->hop_bytes = items_of(given[1].u_obj, window) * item_bytes;
    self->filled = 0;
    self->window = m_new(uint8_t, self->bytes);
    self->missing = MP_OBJ_TO_PTR(
        mp_obj_new_memoryview('B' | MP_OBJ_ARRAY_TYPECODE_FLAG_RW, self->bytes, self->window));
    bool has_head = model->program.header->entry_count > 1;
    self->run = mp_load_attr(args[0], has_head ? MP_QSTR_run_head : MP_QSTR_run);
    return MP_OBJ_FROM_PTR(self);
}

// ---- Filling ------------------------------------------------------------------------------------

// Asks the source for what is missing; false: it has ended.
static bool fill(stream_object *self) {
    mp_obj_t call[3];
    mp_load_method(self->source, MP_QSTR_readinto, call);
    while (self->filled < self->bytes) {
        size_t missing = self->bytes - self->filled;
        self->missing->free = self->filled; // of a memoryview: where it begins
        self->missing->len = missing;
        call[2] = MP_OBJ_FROM_PTR(self->missing);
        mp_obj_t got = mp_call_method_n_kw(1, 0, call);
        if (got == mp_const_none) {
            mp_event_wait_indefinite(); // for an interrupt: the source's, or the clock's
            continue;
        }
        mp_event_handle_nowait(); // requests and Ctrl-C, whatever the source is
        mp_int_t bytes = mp_obj_get_int(got);
        if (bytes < 0 || (size_t)bytes > missing) {
            mp_raise_ValueError(MP_ERROR_TEXT("readinto gave more than it was asked for"));
        }
        if (bytes == 0) {
            return false;
        }
        self->filled += (size_t)bytes;
    }
    return true;
}

static mp_obj_t of_source(const stream_object *self, qstr name) {
    mp_obj_t found[2];
    mp_load_method_maybe(self->source, name, found);
    return found[0];
}

static mp_obj_t stream_next(mp_obj_t self_in) {
    static const qstr fields[] = {MP_QSTR_result, MP_QSTR_captured_us, MP_QSTR_dropped};
    stream_object *self = MP_OBJ_TO_PTR(self_in);
    if (self->filled == self->bytes) { // was run
        self->filled -= self->hop_bytes;
        memmove(self->window, self->window + self->hop_bytes, self->filled);
    }
    if (!fill(self)) {
        return MP_OBJ_STOP_ITERATION;
    }
    uint64_t now_us = xn_port_time_us();
    mp_obj_t captured = of_source(self, MP_QSTR_captured_us);
    mp_obj_t dropped = of_source(self, MP_QSTR_dropped);
    mp_obj_t args[3] = {mp_obj_new_memoryview('B', self->bytes, self->window),
                        MP_OBJ_NEW_QSTR(MP_QSTR_shape), self->shape};
    mp_obj_t items[3];
    items[1] = captured != MP_OBJ_NULL ? captured : mp_obj_new_int_from_ull(now_us);
    items[2] = dropped != MP_OBJ_NULL ? dropped : MP_OBJ_NEW_SMALL_INT(0);
    items[0] = mp_call_function_n_kw(self->run, 1, 1, args);
    return mp_obj_new_attrtuple(fields, 3, items);
}

static void stream_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest) {
    stream_object *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] == MP_OBJ_NULL && name == MP_QSTR_window) {
        dest[0] = mp_obj_new_memoryview('B', self->bytes, self->window);
    }
}

static MP_DEFINE_CONST_OBJ_TYPE(stream_type, MP_QSTR_Stream, MP_TYPE_FLAG_ITER_IS_ITERNEXT, iter,
                                stream_next, attr, stream_attr);
