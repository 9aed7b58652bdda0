// Running a model from Python: buffers in, Python values out. Shared by xipnet.Model and the
// module's functions, which work on the active model.
#ifndef XN_MODEL_RUN_H
#define XN_MODEL_RUN_H

#include "core/model/xn_runner.h"

#include "py/obj.h"
#include "py/objexcept.h"

extern const mp_obj_type_t mp_type_XipnetError;

// Raises xipnet.Error(code, text) if a status is an error.
void xn_model_check(int status);

// What a call brings: buffers, none if the inputs were written before; or one picture of
// any size, whose `shape` is then not None (see picture.h).
typedef struct xn_model_call {
    size_t n;
    const mp_obj_t *inputs;
    mp_obj_t shape;
} xn_model_call;

// From a function's arguments, `shape=` being the only keyword; raises TypeError for another.
xn_model_call xn_model_call_of(size_t n, const mp_obj_t *args, mp_map_t *kw);

// Each writes the inputs, runs an entry and returns its result. Of the network: a view of its
// output or a tuple of views. Of a detector, a classifier or any head: a list of named tuples,
// points in the picture's pixels or in 0..1 of the input. Of a profile: a list of (name, us), one
// per step.
mp_obj_t xn_model_run(xn_runner_model *model, const xn_model_call *call);
mp_obj_t xn_model_detect(xn_runner_model *model, const xn_model_call *call);
mp_obj_t xn_model_classify(xn_runner_model *model, const xn_model_call *call);
mp_obj_t xn_model_run_head(xn_runner_model *model, const xn_model_call *call);
mp_obj_t xn_model_profile(xn_runner_model *model, const xn_model_call *call);
extern uint32_t xn_model_us; // what the last run took, inputs not counted

// A dict of the tensors, the labels, and what the model needs.
mp_obj_t xn_model_describe(const xn_runner_model *model);

// Inputs and outputs as they are in the arena: a tuple of memoryviews, good until the next write or
// run, or until the model is closed.
mp_obj_t xn_model_inputs(xn_runner_model *model);
mp_obj_t xn_model_outputs(xn_runner_model *model);

#endif
