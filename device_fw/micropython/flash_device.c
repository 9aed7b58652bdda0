// The top of the flash for a file system, by the extended block protocol that littlefs uses:
// blocks are erased by ioctl and then written in pieces.
#include "micropython/flash_device.h"

#include "parts/nor.h"
#include "core/base/xn_busy.h"

#include "extmod/vfs.h"
#include "py/mperrno.h"
#include "py/runtime.h"

#define BLOCK_BYTES XN_NOR_SECTOR_BYTES
#define BLOCKS (XN_NOR_FILES_BYTES / BLOCK_BYTES)

_Static_assert(XN_FLASH_DEVICE_PAGE == XN_NOR_PAGE_BYTES, "littlefs programs whole pages");

const mp_obj_base_t xn_flash_device = {&xn_flash_device_type};

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                               const mp_obj_t *args) {
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&xn_flash_device);
}

// Offset in the whole flash of n bytes at `within` of a block; the device ends where the flash
// does.
static uint32_t place(mp_obj_t block_in, mp_int_t within, size_t n) {
    mp_int_t block = mp_obj_get_int(block_in);
    if (block < 0 || block >= (mp_int_t)BLOCKS || within < 0) {
        mp_raise_OSError(MP_EINVAL);
    }
    uint32_t offset = (uint32_t)block * BLOCK_BYTES;
    if ((uint32_t)within > XN_NOR_FILES_BYTES - offset ||
        n > XN_NOR_FILES_BYTES - offset - (uint32_t)within) {
        mp_raise_OSError(MP_EINVAL);
    }
    return XN_NOR_STORE_BYTES + offset + (uint32_t)within;
}

static mp_obj_t result_of(int status) {
    return MP_OBJ_NEW_SMALL_INT(status == 0 ? 0 : -MP_EIO);
}

// A flash that is busy must not be left so; what littlefs does with several calls outlives a cut.
static int erase_block(uint32_t offset) {
    xn_busy_begin();
    int status = xn_nor_erase(offset);
    xn_busy_end();
    return status;
}

static int erase(uint32_t offset, size_t n) {
    int status = 0;
    for (size_t done = 0; done < n && status == 0; done += BLOCK_BYTES) {
        status = erase_block(offset + (uint32_t)done);
    }
    return status;
}

static int program(uint32_t offset, const uint8_t *from, size_t n) {
    while (n > 0) {
        uint32_t piece = XN_NOR_PAGE_BYTES - offset % XN_NOR_PAGE_BYTES;
        if (piece > n) {
            piece = (uint32_t)n;
        }
        xn_busy_begin();
        int status = xn_nor_program(offset, from, piece);
        xn_busy_end();
        if (status != 0) {
            return status;
        }
        offset += piece;
        from += piece;
        n -= piece;
    }
    return 0;
}

bool xn_flash_device_is_blank(void) {
    for (uint32_t at = 0; at < XN_NOR_FILES_BYTES; at += 4u) {
        uint32_t word;
        if (xn_nor_read(XN_NOR_STORE_BYTES + at, &word, sizeof(word)) != 0 || word != UINT32_MAX) {
            return false;
        }
    }
    return true;
}

static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t to;
    mp_get_buffer_raise(args[2], &to, MP_BUFFER_WRITE);
    uint32_t offset = place(args[1], n_args == 4 ? mp_obj_get_int(args[3]) : 0, to.len);
    return result_of(xn_nor_read(offset, to.buf, (uint32_t)to.len));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t from;
    mp_get_buffer_raise(args[2], &from, MP_BUFFER_READ);
    uint32_t offset = place(args[1], n_args == 4 ? mp_obj_get_int(args[3]) : 0, from.len);
    int status = n_args == 4 ? 0 : erase(offset, from.len);
    return result_of(status == 0 ? program(offset, from.buf, from.len) : status);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self, mp_obj_t command, mp_obj_t argument) {
    (void)self;
    switch (mp_obj_get_int(command)) {
    case MP_BLOCKDEV_IOCTL_INIT:
    case MP_BLOCKDEV_IOCTL_DEINIT:
    case MP_BLOCKDEV_IOCTL_SYNC:
        return MP_OBJ_NEW_SMALL_INT(0);
    case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
        return MP_OBJ_NEW_SMALL_INT(BLOCKS);
    case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
        return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
    case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
        return result_of(erase_block(place(argument, 0, BLOCK_BYTES)));
    default:
        return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj)},
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(xn_flash_device_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE, make_new,
                         flash_make_new, locals_dict, &flash_locals);
