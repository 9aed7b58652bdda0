// Overlapping frames: what came in the calls before, followed by what comes now. A frame begins
// with the oldest value that is remembered.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, frames; // frames are made one after another
    int32_t step, size;    // new values of a frame, values in all
    int32_t history;       // values that are remembered, size - step or more
    int32_t needed;        // frames that must have come before the first is whole
} XN_NAME(xn_frames_params);

// past: T [history]; in: T [step]; out: T [size], or NULL if nobody wants it.
static inline void XN_NAME(xn_frame)(XN_T *past, const XN_T *in, XN_T *out,
                                     const XN_NAME(xn_frames_params) * p) {
    for (int32_t i = 0; out && i < p->size; i++) {
        out[i] = i < p->history ? past[i] : in[i - p->history];
    }
    for (int32_t i = 0; i < p->history; i++) {
        int32_t at = i + p->step;
        past[i] = at < p->history ? past[at] : in[at - p->history];
    }
}

// in: T [outer, frames, step]; memory: T [outer, history]; out: T [outer, frames, size].
XN_KERNEL void XN_NAME(xn_frames)(const XN_T *in, XN_T *memory, XN_T *out,
                                  const XN_NAME(xn_frames_params) * p) {
    for (int32_t i = 0; i < p->outer * p->frames; i++) {
        XN_NAME(xn_frame)(memory + i / p->frames * p->history, in, out, p);
        in += p->step;
        out += p->size;
    }
}

// As xn_frames; the memory has one more value: how many frames came before. Frames that are not
// whole are 0, and then `is_whole` is 0.
XN_KERNEL void XN_NAME(xn_whole_frames)(const XN_T *in, XN_T *memory, XN_T *out, uint8_t *is_whole,
                                        const XN_NAME(xn_frames_params) * p) {
    XN_T *came = memory + p->outer * p->history;
    int32_t before = *came;
    *is_whole = 1;
    for (int32_t o = 0; o < p->outer; o++) {
        before = *came;
        for (int32_t i = 0; i < p->frames; i++) {
            int32_t is_late = before < p->needed;
            for (int32_t k = 0; is_late && k < p->size; k++) {
                out[k] = 0;
            }
            *is_whole = is_late ? 0 : *is_whole;
            before += is_late;
            XN_NAME(xn_frame)(memory + o * p->history, in, is_late ? 0 : out, p);
            in += p->step;
            out += p->size;
        }
    }
    *came = (XN_T)before;
}
