#ifndef XN_SENSOR_H
#define XN_SENSOR_H

#include "py/obj.h"

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_sensor_camera_obj); // xipnet.Camera(shape, frames=2)
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_sensor_mic_obj);    // xipnet.Mic(rate, chunk, chunks=8)

#endif
