// Running a model from Python: buffers in, Python values out. Shared by xipnet.Model and the
// module's functions, which work on the active model.
#ifndef XN_MODEL_RUN_H
#define XN_MODEL_RUN_H

#include "core/xn_runner.h"

#include "py/obj.h"
#include "py/objexcept.h"

extern const mp_obj_type_t mp_type_XipnetError;

// Raises xipnet.Error(code, text) where a status is an error.
void xn_model_check(int status);

// Each writes the inputs (none: what was written before stays), runs the entry and returns its
// result: bytes for one output, a tuple of bytes for several; a list of (label, score, box); a list
// of (label, score).
mp_obj_t xn_model_run(xn_model *model, size_t n, const mp_obj_t *inputs);
mp_obj_t xn_model_detect(xn_model *model, size_t n, const mp_obj_t *inputs);
mp_obj_t xn_model_classify(xn_model *model, size_t n, const mp_obj_t *inputs);

// Inputs and outputs as they lie in the arena: a tuple of memoryviews, good until the next write or
// run, or until the model is closed.
mp_obj_t xn_model_inputs(xn_model *model);
mp_obj_t xn_model_outputs(xn_model *model);

#endif
