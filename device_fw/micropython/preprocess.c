// xipnet.preprocess: what core/model/xn_image.c does, on Python's buffers. All sizes are checked
// here.
#include "micropython/preprocess.h"

#include "py/objarray.h"
#include "py/runtime.h"

#include <string.h>

// ---- Arguments ----------------------------------------------------------------------------------

static void get_numbers(mp_obj_t tuple, size_t n, mp_int_t *numbers) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(tuple, n, &items);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = mp_obj_get_int(items[i]);
    }
}

static void check_sides(mp_int_t height, mp_int_t width, mp_int_t channels) {
    if (height < 0 || width < 0 || channels < 0 ||
        !xn_image_valid((uint32_t)width, (uint32_t)height, (uint32_t)channels)) {
        mp_raise_msg_varg(&mp_type_ValueError,
                          MP_ERROR_TEXT("no picture of %d rows, %d columns, %d channels"),
                          (int)height, (int)width, (int)channels);
    }
}

static xn_image image_at(void *at, mp_int_t height, mp_int_t width, mp_int_t channels) {
    check_sides(height, width, channels);
    xn_image image = {at, (uint32_t)width, (uint32_t)height, (uint32_t)channels,
                      (uint32_t)(width * channels)};
    return image;
}

static void check_length(size_t is, uint64_t must_be) {
    if (is != must_be) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("buffer must have %u bytes; has %u"),
                          (unsigned)must_be, (unsigned)is);
    }
}

xn_image xn_preprocess_image(mp_obj_t pixels, mp_obj_t shape, int flags) {
    mp_buffer_info_t buffer;
    mp_int_t sides[3];
    size_t rank = (size_t)mp_obj_get_int(mp_obj_len(shape));
    mp_get_buffer_raise(pixels, &buffer, (mp_uint_t)flags);
    get_numbers(shape, rank == 3 ? 3 : 2, sides);
    if (rank != 3) {
        check_sides(sides[0], sides[1], 1);
        sides[2] = (mp_int_t)(buffer.len / (size_t)(sides[0] * sides[1]));
    }
    xn_image image = image_at(buffer.buf, sides[0], sides[1], sides[2]);
    check_length(buffer.len, (uint64_t)image.row * image.height);
    return image;
}

void xn_preprocess_bilinear(const xn_image *from, const xn_image *to) {
    size_t bytes = xn_image_bilinear_work(from, to);
    uint8_t *work = m_new(uint8_t, bytes);
    xn_image_bilinear(from, to, work);
    m_del(uint8_t, work, bytes);
}

// The target of a result: the buffer given as `out`, or a new bytearray, which becomes *out.
static uint8_t *room(mp_obj_t *out, size_t bytes) {
    mp_buffer_info_t to;
    if (*out == mp_const_none) {
        uint8_t *fresh = m_new(uint8_t, bytes);
        *out = mp_obj_new_bytearray_by_ref(bytes, fresh);
    }
    mp_get_buffer_raise(*out, &to, MP_BUFFER_WRITE);
    check_length(to.len, bytes);
    return to.buf;
}

#define OUT                                                                                        \
    {                                                                                              \
        MP_QSTR_out, MP_ARG_KW_ONLY | MP_ARG_OBJ, {                                                \
            .u_rom_obj = MP_ROM_NONE                                                               \
        }                                                                                          \
    }
#define REQUIRED(name)                                                                             \
    {                                                                                              \
        MP_QSTR_##name, MP_ARG_REQUIRED | MP_ARG_OBJ, {                                            \
            .u_rom_obj = MP_ROM_NONE                                                               \
        }                                                                                          \
    }

// ---- resize, letterbox, crop --------------------------------------------------------------------

// The target: `size` is (height, width), the channels are those of the source.
static xn_image target(const xn_image *from, mp_obj_t size, mp_obj_t *out) {
    mp_int_t sides[2];
    get_numbers(size, 2, sides);
    check_sides(sides[0], sides[1], from->channels);
    size_t bytes = (size_t)(sides[0] * sides[1]) * from->channels;
    return image_at(room(out, bytes), sides[0], sides[1], from->channels);
}

static void resize(const xn_image *from, const xn_image *to, bool nearest) {
    if (nearest) {
        xn_image_nearest(from, to);
    } else {
        xn_preprocess_bilinear(from, to);
    }
}

static mp_obj_t preprocess_resize(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {
        REQUIRED(pixels),
        REQUIRED(shape),
        REQUIRED(size),
        OUT,
        {MP_QSTR_nearest, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false}},
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n, pos, kw, MP_ARRAY_SIZE(allowed), allowed, args);
    xn_image from = xn_preprocess_image(args[0].u_obj, args[1].u_obj, MP_BUFFER_READ);
    xn_image to = target(&from, args[2].u_obj, &args[3].u_obj);
    resize(&from, &to, args[4].u_bool);
    return args[3].u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(preprocess_resize_obj, 3, preprocess_resize);

static mp_obj_t preprocess_letterbox(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {
        REQUIRED(pixels),
        REQUIRED(shape),
        REQUIRED(size),
        OUT,
        {MP_QSTR_nearest, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false}},
        {MP_QSTR_fill, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0}},
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n, pos, kw, MP_ARRAY_SIZE(allowed), allowed, args);
    xn_image from = xn_preprocess_image(args[0].u_obj, args[1].u_obj, MP_BUFFER_READ);
    xn_image into = target(&from, args[2].u_obj, &args[3].u_obj);
    xn_image part = xn_image_letterbox(&from, &into);
    xn_image_fill(&into, (uint8_t)args[5].u_int);
    resize(&from, &part, args[4].u_bool);
    return args[3].u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(preprocess_letterbox_obj, 3, preprocess_letterbox);

static mp_obj_t preprocess_crop(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {REQUIRED(pixels), REQUIRED(shape), REQUIRED(area), OUT};
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_int_t area[4]; // left, top, width, height
    mp_arg_parse_all(n, pos, kw, MP_ARRAY_SIZE(allowed), allowed, args);
    xn_image from = xn_preprocess_image(args[0].u_obj, args[1].u_obj, MP_BUFFER_READ);
    get_numbers(args[2].u_obj, 4, area);
    check_sides(area[3], area[2], from.channels);
    if (area[0] < 0 || area[0] > (mp_int_t)from.width - area[2] || area[1] < 0 ||
        area[1] > (mp_int_t)from.height - area[3]) {
        mp_raise_ValueError(MP_ERROR_TEXT("the area is not within the picture"));
    }
    size_t bytes = (size_t)(area[2] * area[3]) * from.channels;
    xn_image to = image_at(room(&args[3].u_obj, bytes), area[3], area[2], from.channels);
    xn_image part = xn_image_part(&from, (uint32_t)area[0], (uint32_t)area[1], to.width, to.height);
    xn_image_copy(&part, &to);
    return args[3].u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(preprocess_crop_obj, 3, preprocess_crop);

// ---- convert, quantise --------------------------------------------------------------------------

static enum xn_image_format get_format(mp_obj_t name) {
    switch (mp_obj_str_get_qstr(name)) {
    case MP_QSTR_gray:
        return XN_IMAGE_GRAY;
    case MP_QSTR_rgb:
        return XN_IMAGE_RGB;
    case MP_QSTR_rgb565:
        return XN_IMAGE_RGB565;
    case MP_QSTR_rgb565be:
        return XN_IMAGE_RGB565BE;
    default:
        mp_raise_ValueError(MP_ERROR_TEXT("format must be gray, rgb, rgb565 or rgb565be"));
    }
}

static mp_obj_t preprocess_convert(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {REQUIRED(pixels), REQUIRED(source), REQUIRED(target), OUT};
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_buffer_info_t from;
    mp_arg_parse_all(n, pos, kw, MP_ARRAY_SIZE(allowed), allowed, args);
    enum xn_image_format source = get_format(args[1].u_obj), to = get_format(args[2].u_obj);
    if (to != XN_IMAGE_GRAY && to != XN_IMAGE_RGB) {
        mp_raise_ValueError(MP_ERROR_TEXT("the target must be gray or rgb"));
    }
    mp_get_buffer_raise(args[0].u_obj, &from, MP_BUFFER_READ);
    size_t pixels = from.len / xn_image_pixel_bytes(source);
    check_length(from.len, (uint64_t)pixels * xn_image_pixel_bytes(source));
    uint8_t *at = room(&args[3].u_obj, pixels * xn_image_pixel_bytes(to));
    xn_image_convert(from.buf, source, at, to, (uint32_t)pixels);
    return args[3].u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(preprocess_convert_obj, 3, preprocess_convert);

// A number for each channel: one for all, or a tuple. Returns how many were given.
static size_t get_floats(mp_obj_t value, float floats[XN_IMAGE_CHANNELS_MAX]) {
    size_t n = 1;
    mp_obj_t *items = &value;
    if (mp_obj_is_type(value, &mp_type_tuple) || mp_obj_is_type(value, &mp_type_list)) {
        mp_obj_get_array(value, &n, &items);
    }
    if (n < 1 || n > XN_IMAGE_CHANNELS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("1 to 4 channels"));
    }
    for (size_t i = 0; i < XN_IMAGE_CHANNELS_MAX; i++) {
        floats[i] = (float)mp_obj_get_float(items[i < n ? i : 0]);
    }
    return n;
}

static mp_obj_t preprocess_quantise(size_t n, const mp_obj_t *pos, mp_map_t *kw) {
    static const mp_arg_t allowed[] = {
        REQUIRED(pixels),
        REQUIRED(scale),
        REQUIRED(zero_point),
        {MP_QSTR_mean, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)}},
        {MP_QSTR_std, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(1)}},
        OUT,
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_buffer_info_t from, to;
    float mean[XN_IMAGE_CHANNELS_MAX], std[XN_IMAGE_CHANNELS_MAX];
    mp_arg_parse_all(n, pos, kw, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_get_buffer_raise(args[0].u_obj, &from, MP_BUFFER_READ);
    float scale = (float)mp_obj_get_float(args[1].u_obj);
    size_t channels = get_floats(args[3].u_obj, mean), stds = get_floats(args[4].u_obj, std);
    channels = MAX(channels, stds);
    if (args[5].u_obj == mp_const_none) {
        args[5].u_obj = mp_obj_new_memoryview('b' | MP_OBJ_ARRAY_TYPECODE_FLAG_RW, from.len,
                                              m_new(uint8_t, from.len));
    }
    uint8_t *at = room(&args[5].u_obj, from.len);
    mp_get_buffer_raise(args[5].u_obj, &to, MP_BUFFER_WRITE);
    check_length(from.len, (uint64_t)(from.len / channels) * channels);
    uint8_t (*tables)[256] = (void *)m_new(uint8_t, channels * 256);
    for (size_t i = 0; i < channels; i++) {
        xn_image_scaling scaling = {mean[i], std[i], scale, mp_obj_get_int(args[2].u_obj)};
        xn_image_quantise_table(&scaling, to.typecode == 'b', tables[i]);
    }
    xn_image_map(from.buf, at, (uint32_t)(from.len / channels), (uint32_t)channels,
                 (const uint8_t (*)[256])tables);
    m_del(uint8_t, tables[0], channels * 256);
    return args[5].u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(preprocess_quantise_obj, 3, preprocess_quantise);

// ---- The module ---------------------------------------------------------------------------------

static const mp_rom_map_elem_t preprocess_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_preprocess)},
    {MP_ROM_QSTR(MP_QSTR_resize), MP_ROM_PTR(&preprocess_resize_obj)},
    {MP_ROM_QSTR(MP_QSTR_letterbox), MP_ROM_PTR(&preprocess_letterbox_obj)},
    {MP_ROM_QSTR(MP_QSTR_crop), MP_ROM_PTR(&preprocess_crop_obj)},
    {MP_ROM_QSTR(MP_QSTR_convert), MP_ROM_PTR(&preprocess_convert_obj)},
    {MP_ROM_QSTR(MP_QSTR_quantise), MP_ROM_PTR(&preprocess_quantise_obj)},
};
static MP_DEFINE_CONST_DICT(preprocess_globals, preprocess_globals_table);

const mp_obj_module_t xn_preprocess_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&preprocess_globals,
};
