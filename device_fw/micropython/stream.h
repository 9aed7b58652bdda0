#ifndef XN_STREAM_H
#define XN_STREAM_H

#include "core/model/xn_runner.h"

#include "py/obj.h"

// model.stream(source, hop=, window=, shape=), `args[0]` being the model, which is open.
mp_obj_t xn_stream_new(xn_runner_model *model, size_t n, const mp_obj_t *args, mp_map_t *kw);

#endif
