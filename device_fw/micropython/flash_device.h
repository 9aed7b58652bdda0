// The VM's part of the flash as a block device: `machine.Flash()`.
#ifndef XN_FLASH_DEVICE_H
#define XN_FLASH_DEVICE_H

#include "py/obj.h"

#define XN_FLASH_DEVICE_PAGE 256

// Whether nothing was ever written there.
bool xn_flash_device_is_blank(void);

extern const mp_obj_base_t xn_flash_device;
extern const mp_obj_type_t xn_flash_device_type;

#endif
