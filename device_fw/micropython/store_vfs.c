#include "micropython/store_vfs.h"

#include "core/base/xn_error.h"
#include "core/model/xn_active.h"
#include "core/model/xn_runner.h"
#include "core/store/xn_bundle.h"
#include "core/store/xn_extent.h"
#include "core/store/xn_store.h"
#include "core/trust/xn_policy.h"

#include "extmod/vfs.h"
#include "py/builtin.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "py/stream.h"

#include <string.h>

// ---- Bytecode in use ----------------------------------------------------------------------------

// The bytecode that the VM may execute until it restarts: it must not be erased. On a locked board
// all that scripts have opened: what an upload puts into its place is not sealed before its end.
#define PINS (XN_LOCKABLE ? 64u : 24u)
static struct {
    const uint8_t *at;
    uint32_t n;
} pins[PINS];
static uint32_t pin_count;

// False: no room for one more.
static bool pin(const uint8_t *at, uint32_t n) {
    for (uint32_t i = 0; i < pin_count; i++) {
        if (pins[i].at == at) {
            return true;
        }
    }
    if (pin_count == PINS) {
        return false;
    }
    pins[pin_count].at = at;
    pins[pin_count].n = n;
    pin_count++;
    return true;
}

static bool in_use(const uint8_t *at, uint32_t n) {
    for (uint32_t i = 0; i < pin_count; i++) {
        if ((uintptr_t)pins[i].at < (uintptr_t)at + n &&
            (uintptr_t)at < (uintptr_t)pins[i].at + pins[i].n) {
            return true;
        }
    }
    return xn_runner_uses(at, n);
}

#if XN_LOCKABLE
bool xn_store_vfs_pin(const uint8_t *at, uint32_t n) {
    return pin(at, n);
}
#endif

void xn_store_vfs_forget(void) {
    pin_count = 0;
    xn_extent_in_use = in_use;
}

// ---- A file -------------------------------------------------------------------------------------

typedef struct file_object {
    mp_obj_base_t base;
    const uint8_t *at;
    uint32_t n;
    uint32_t next;
    bool is_bytecode;
} file_object;

static mp_uint_t file_read(mp_obj_t self_in, void *to, mp_uint_t n, int *error) {
    file_object *self = MP_OBJ_TO_PTR(self_in);
    (void)error;
    n = MIN(n, self->n - self->next);
    memcpy(to, self->at + self->next, n);
    self->next += n;
    return n;
}

static mp_uint_t file_seek(file_object *self, struct mp_stream_seek_t *seek) {
    int64_t from = seek->whence == MP_SEEK_SET   ? 0
                   : seek->whence == MP_SEEK_CUR ? (int64_t)self->next
                                                 : (int64_t)self->n;
    int64_t next = from + seek->offset;
    self->next = next < 0 ? 0 : next > self->n ? self->n : (uint32_t)next;
    seek->offset = (mp_off_t)self->next;
    return 0;
}

static mp_uint_t file_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t argument, int *error) {
    switch (request) {
    case MP_STREAM_SEEK:
        return file_seek(MP_OBJ_TO_PTR(self_in), (struct mp_stream_seek_t *)argument);
    case MP_STREAM_FLUSH:
    case MP_STREAM_CLOSE:
        return 0;
    default:
        *error = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
}

// Makes MicroPython use bytecode and strings in place.
static mp_int_t file_buffer(mp_obj_t self_in, mp_buffer_info_t *buffer, mp_uint_t flags) {
    file_object *self = MP_OBJ_TO_PTR(self_in);
    if (flags != MP_BUFFER_READ || (self->is_bytecode && !pin(self->at, self->n))) {
        return 1;
    }
    buffer->buf = (void *)self->at;
    buffer->len = self->n;
    buffer->typecode = 'B';
    return 0;
}

static const mp_rom_map_elem_t file_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj)},
    {MP_ROM_QSTR(MP_QSTR_readlines), MP_ROM_PTR(&mp_stream_unbuffered_readlines_obj)},
    {MP_ROM_QSTR(MP_QSTR_seek), MP_ROM_PTR(&mp_stream_seek_obj)},
    {MP_ROM_QSTR(MP_QSTR_tell), MP_ROM_PTR(&mp_stream_tell_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj)},
    {MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj)},
    {MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&mp_stream___exit___obj)},
};
static MP_DEFINE_CONST_DICT(file_locals, file_locals_table);

static const mp_stream_p_t bytes_stream = {.read = file_read, .ioctl = file_ioctl};
static const mp_stream_p_t text_stream = {.read = file_read, .ioctl = file_ioctl, .is_text = true};

static MP_DEFINE_CONST_OBJ_TYPE(bytes_file, MP_QSTR_FileIO, MP_TYPE_FLAG_ITER_IS_STREAM, protocol,
                                &bytes_stream, buffer, file_buffer, locals_dict, &file_locals);
static MP_DEFINE_CONST_OBJ_TYPE(text_file, MP_QSTR_TextIOWrapper, MP_TYPE_FLAG_ITER_IS_STREAM,
                                protocol, &text_stream, buffer, file_buffer, locals_dict,
                                &file_locals);

// ---- The file system ----------------------------------------------------------------------------

// Finds a member of the active bundle by its own name.
static bool find_member(const char *path, xn_store_object *object) {
    xn_store_object bundle;
    return xn_active_bundle() != 0 && xn_active_model(&bundle) != NULL &&
           xn_store_check(&bundle) == 0 && xn_bundle_member(&bundle, 0, path, object) == 0;
}

// The object of a path; names may hold slashes, and what is before one is a directory. What the
// active bundle holds comes before what the store holds: it is of one version with the model.
static mp_import_stat_t look_up(const char *path, xn_store_object *object) {
    while (*path == '/') {
        path++;
    }
    size_t n = strlen(path);
    if (n == 0) {
        return MP_IMPORT_STAT_DIR;
    }
    if (find_member(path, object)) {
        return MP_IMPORT_STAT_FILE;
    }
    if (xn_store_find(path, object) == 0) {
        return object->type == XN_STORE_BUNDLE ? MP_IMPORT_STAT_DIR : MP_IMPORT_STAT_FILE;
    }
    for (uint32_t cursor = 0; xn_store_next(&cursor, object) > 0;) {
        if (strncmp(object->name, path, n) == 0 && object->name[n] == '/') {
            return MP_IMPORT_STAT_DIR;
        }
    }
    return MP_IMPORT_STAT_NO_EXIST;
}

static mp_import_stat_t vfs_import_stat(void *self, const char *path) {
    xn_store_object object;
    (void)self;
    return look_up(path, &object);
}

// What is opened may be executed in place: only bytes that are those that were stored.
static void check_bytes(const xn_store_object *object) {
    int status = xn_store_check(object);
    if (status != XN_OK) {
        char text[XN_ERROR_TEXT_MAX];
        xn_error_text(status, text);
        mp_obj_t args[2] = {MP_OBJ_NEW_SMALL_INT(MP_EIO), mp_obj_new_str_from_cstr(text)};
        nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
    }
}

static mp_obj_t vfs_open(mp_obj_t self, mp_obj_t path, mp_obj_t mode_in) {
    xn_store_object object;
    const char *mode = mp_obj_str_get_str(mode_in);
    (void)self;
    if (strchr(mode, 'w') != NULL || strchr(mode, 'a') != NULL || strchr(mode, '+') != NULL) {
        mp_raise_OSError(MP_EROFS);
    }
    if (look_up(mp_obj_str_get_str(path), &object) != MP_IMPORT_STAT_FILE) {
        mp_raise_OSError(MP_ENOENT);
    }
    check_bytes(&object);
    if (xn_policy_locked() && !pin(xn_store_map(&object), object.size)) {
        mp_raise_OSError(MP_EMFILE);
    }
    size_t n = strlen(object.name);
    bool bytes = strchr(mode, 'b') != NULL;
    file_object *file = mp_obj_malloc(file_object, bytes ? &bytes_file : &text_file);
    file->at = xn_store_map(&object);
    file->n = object.size;
    file->next = 0;
    file->is_bytecode = n > 4 && strcmp(object.name + n - 4, ".mpy") == 0;
    return MP_OBJ_FROM_PTR(file);
}
static MP_DEFINE_CONST_FUN_OBJ_3(vfs_open_obj, vfs_open);

static mp_obj_t vfs_ilistdir(mp_obj_t self, mp_obj_t path) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    xn_store_object object;
    (void)self;
    (void)path;
    for (uint32_t cursor = 0; xn_store_next_member(&cursor, &object) > 0;) {
        mp_obj_t items[4] = {mp_obj_new_str_from_cstr(object.name),
                             MP_OBJ_NEW_SMALL_INT(MP_S_IFREG), MP_OBJ_NEW_SMALL_INT(0),
                             mp_obj_new_int_from_uint(object.size)};
        mp_obj_list_append(list, mp_obj_new_tuple(4, items));
    }
    return mp_getiter(list, NULL);
}
static MP_DEFINE_CONST_FUN_OBJ_2(vfs_ilistdir_obj, vfs_ilistdir);

static mp_obj_t ten_numbers(uint32_t first, size_t index, uint32_t value) {
    mp_obj_t items[10];
    for (size_t i = 0; i < 10; i++) {
        items[i] = MP_OBJ_NEW_SMALL_INT(0);
    }
    items[0] = mp_obj_new_int_from_uint(first);
    items[index] = mp_obj_new_int_from_uint(value);
    return mp_obj_new_tuple(10, items);
}

static mp_obj_t vfs_stat(mp_obj_t self, mp_obj_t path) {
    xn_store_object object;
    (void)self;
    switch (look_up(mp_obj_str_get_str(path), &object)) {
    case MP_IMPORT_STAT_FILE:
        return ten_numbers(MP_S_IFREG, 6, object.size);
    case MP_IMPORT_STAT_DIR:
        return ten_numbers(MP_S_IFDIR, 6, 0);
    default:
        mp_raise_OSError(MP_ENOENT);
    }
}
static MP_DEFINE_CONST_FUN_OBJ_2(vfs_stat_obj, vfs_stat);

static mp_obj_t vfs_nothing(size_t n, const mp_obj_t *args) {
    (void)n;
    (void)args;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(vfs_nothing_obj, 1, vfs_nothing);

static const mp_rom_map_elem_t vfs_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_mount), MP_ROM_PTR(&vfs_nothing_obj)},
    {MP_ROM_QSTR(MP_QSTR_umount), MP_ROM_PTR(&vfs_nothing_obj)},
    {MP_ROM_QSTR(MP_QSTR_chdir), MP_ROM_PTR(&vfs_nothing_obj)},
    {MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&vfs_open_obj)},
    {MP_ROM_QSTR(MP_QSTR_ilistdir), MP_ROM_PTR(&vfs_ilistdir_obj)},
    {MP_ROM_QSTR(MP_QSTR_stat), MP_ROM_PTR(&vfs_stat_obj)},
};
static MP_DEFINE_CONST_DICT(vfs_locals, vfs_locals_table);

static const mp_vfs_proto_t vfs_protocol = {.import_stat = vfs_import_stat};

// Upstream's module `vfs` names it as VfsRom: this is what ROMFS is elsewhere.
MP_DEFINE_CONST_OBJ_TYPE(mp_type_vfs_rom, MP_QSTR_VfsRom, MP_TYPE_FLAG_NONE, protocol,
                         &vfs_protocol, locals_dict, &vfs_locals);

static const mp_obj_base_t store_vfs = {&mp_type_vfs_rom};

void xn_store_vfs_mount(void) {
    mp_obj_t place = mp_obj_new_str_from_cstr("/store");
    mp_obj_t args[2] = {MP_OBJ_FROM_PTR(&store_vfs), place};
    mp_map_t none = {0};
    mp_vfs_mount(2, args, &none);
    mp_obj_list_append(mp_sys_path, place);
}
