// xipnet.Camera and xipnet.Mic: sensors of this board as sources of streams (docs/STREAMS.md).
#ifdef XN_SENSORS_BASE
#include "micropython/sensor.h"

#include "parts/sensors.h"

#include "py/runtime.h"

#include <string.h>

#define SIDE_MAX 65535
#define SLOTS_MAX 1024
#define PIECE_BYTES_MAX 0xFFFFFFu
#define SAMPLE_BYTES 2u

typedef struct sensor_object {
    mp_obj_base_t base;
    xn_sensors_slots sensor;
    uint32_t at;          // bytes read of the piece
    uint64_t captured_us; // of the piece that was read last
} sensor_object;

static const mp_obj_type_t sensor_type;

static uint16_t number_of(mp_obj_t given, mp_int_t most) {
    mp_int_t number = mp_obj_get_int(given);
    if (number < 1 || number > most) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("must be 1 to %d; is %d"), (int)most,
                          (int)number);
    }
    return (uint16_t)number;
}

static mp_obj_t open_sensor(enum xn_sensors_kind kind, const uint16_t asked[3], uint64_t bytes,
                            uint32_t slots) {
    if (bytes > PIECE_BYTES_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("a piece must be below 16 MB"));
    }
    sensor_object *self = mp_obj_malloc_with_finaliser(sensor_object, &sensor_type);
    memset(&self->sensor, 0, sizeof self->sensor);
    self->at = 0;
    self->captured_us = 0;
    self->sensor.bytes = (uint32_t)bytes;
    self->sensor.count = slots;
    self->sensor.slots = m_new(uint8_t, (size_t)bytes *slots);
    self->sensor.at_us = m_new(uint64_t, slots);
    xn_sensors_open(kind, &self->sensor, asked);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t sensor_camera(size_t n, const mp_obj_t *args) {
    size_t sides;
    mp_obj_t *shape;
    uint16_t asked[3] = {0, 0, 1};
    mp_obj_get_array(args[0], &sides, &shape);
    if (sides != 2 && sides != 3) {
        mp_raise_ValueError(MP_ERROR_TEXT("shape must be (height, width[, channels])"));
    }
    for (size_t i = 0; i < sides; i++) {
        asked[i] = number_of(shape[i], i == 2 ? 3 : SIDE_MAX);
    }
    uint32_t frames = n > 1 ? number_of(args[1], SLOTS_MAX) : 2;
    uint64_t bytes = (uint64_t)asked[0] * asked[1] * asked[2];
    return open_sensor(XN_SENSORS_CAMERA, asked, bytes, frames);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(xn_sensor_camera_obj, 1, 2, sensor_camera);

static mp_obj_t sensor_mic(size_t n, const mp_obj_t *args) {
    uint32_t rate = (uint32_t)mp_obj_get_int(args[0]);
    uint16_t chunk = number_of(args[1], SIDE_MAX);
    uint16_t asked[3] = {(uint16_t)rate, (uint16_t)(rate >> 16), chunk};
    uint32_t chunks = n > 2 ? number_of(args[2], SLOTS_MAX) : 8;
    return open_sensor(XN_SENSORS_MIC, asked, chunk * SAMPLE_BYTES, chunks);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(xn_sensor_mic_obj, 2, 3, sensor_mic);

static mp_obj_t sensor_readinto(mp_obj_t self_in, mp_obj_t buffer) {
    sensor_object *self = MP_OBJ_TO_PTR(self_in);
    xn_sensors_slots *s = &self->sensor;
    mp_buffer_info_t to;
    mp_get_buffer_raise(buffer, &to, MP_BUFFER_WRITE);
    bool ended = s->ended; // before the look at what was captured, which comes before it
    if (s->captured == s->taken) {
        return ended ? MP_OBJ_NEW_SMALL_INT(0) : mp_const_none;
    }
    uint32_t slot = s->taken % s->count;
    size_t bytes = MIN(to.len, s->bytes - self->at);
    memcpy(to.buf, s->slots + slot * s->bytes + self->at, bytes);
    self->captured_us = s->at_us[slot];
    self->at += (uint32_t)bytes;
    if (self->at == s->bytes) {
        self->at = 0;
        s->taken++;
    }
    return MP_OBJ_NEW_SMALL_INT(bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_2(sensor_readinto_obj, sensor_readinto);

static mp_obj_t sensor_close(mp_obj_t self_in) {
    sensor_object *self = MP_OBJ_TO_PTR(self_in);
    xn_sensors_close(&self->sensor);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(sensor_close_obj, sensor_close);

static void sensor_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest) {
    const sensor_object *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (name == MP_QSTR_captured_us) {
        dest[0] = mp_obj_new_int_from_ull(self->captured_us);
    } else if (name == MP_QSTR_dropped) {
        dest[0] = mp_obj_new_int_from_uint(self->sensor.dropped);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // a method: look in the locals
    }
}

static const mp_rom_map_elem_t sensor_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&sensor_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&sensor_close_obj)},
    {MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&sensor_close_obj)},
};
static MP_DEFINE_CONST_DICT(sensor_locals, sensor_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(sensor_type, MP_QSTR_Sensor, MP_TYPE_FLAG_NONE, attr, sensor_attr,
                                locals_dict, &sensor_locals);
#endif
