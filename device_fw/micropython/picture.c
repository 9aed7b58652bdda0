#include "micropython/picture.h"

#include "micropython/metadata.h"
#include "micropython/preprocess.h"

#include "py/runtime.h"

#include <string.h>

static xn_image tight(uint8_t *at, uint32_t width, uint32_t height, uint32_t channels) {
    xn_image image = {at, width, height, channels, width * channels};
    return image;
}

// The picture with the model's channels; gray that the model wants as RGB stays gray, to be resized
// first. What was allocated is in *made.
static xn_image with_channels(const xn_image *from, uint32_t channels, uint8_t **made) {
    *made = NULL;
    if (from->channels == channels || (from->channels == 1 && channels == 3)) {
        return *from;
    }
    if (from->channels != 3) {
        mp_raise_ValueError(MP_ERROR_TEXT("a picture must have 1 or 3 channels"));
    }
    *made = m_new(uint8_t, from->width * from->height);
    xn_image_convert(from->at, XN_IMAGE_RGB, *made, XN_IMAGE_GRAY, from->width * from->height);
    return tight(*made, from->width, from->height, 1);
}

static void fit_into(const xn_image *from, const xn_image *into, xn_picture_fit *fit) {
    xn_image part = xn_image_letterbox(from, into);
    uint32_t at = (uint32_t)(part.at - into->at);
    double across = (double)into->width / from->width, down = (double)into->height / from->height;
    fit->scale = (float)(across < down ? across : down);
    fit->left = (float)(at % into->row / into->channels);
    fit->top = (float)(at / into->row);
    fit->input_width = (float)into->width;
    fit->input_height = (float)into->height;
    fit->width = (float)from->width;
    fit->height = (float)from->height;
    xn_image_fill(into, 0);
    xn_preprocess_bilinear(from, &part);
}

// Spreads gray pixels, at the end of the buffer, over all of it.
static void spread_gray(uint8_t *at, uint32_t pixels) {
    const uint8_t *gray = at + 2u * pixels;
    for (uint32_t i = 0; i < pixels; i++) {
        uint8_t value = gray[i];
        at[3u * i] = at[3u * i + 1u] = at[3u * i + 2u] = value;
    }
}

static void scale_bytes(const xn_metadata_picture *p, uint8_t *at, uint32_t pixels) {
    uint8_t tables[3][256];
    for (uint32_t c = 0; c < p->channels; c++) {
        xn_image_scaling scaling = {p->mean[c], p->std[c], p->scale, p->zero_point};
        if (p->plain && p->code == 'b') { // the range of a byte is the range of the input
            scaling = (xn_image_scaling){128.0f, 1.0f, 1.0f, 0};
        } else if (p->plain) {
            return;
        }
        xn_image_quantise_table(&scaling, p->code == 'b', tables[c]);
    }
    xn_image_map(at, at, pixels, p->channels, (const uint8_t (*)[256])tables);
}

// Turns bytes at the end of the buffer into floats that fill it.
static void scale_floats(const xn_metadata_picture *p, uint8_t *at, uint32_t pixels) {
    uint32_t n = pixels * p->channels;
    const uint8_t *bytes = at + 3u * n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = i % p->channels;
        float mean = p->plain ? 0.0f : p->mean[c], std = p->plain ? 255.0f : p->std[c];
        float real = ((float)bytes[i] - mean) / std;
        memcpy(at + 4u * i, &real, sizeof real);
    }
}

static bool takes_picture(const xn_loader_program *program, const xn_metadata_picture *p) {
    uint32_t bytes = p->code == 'f' ? 4u : 1u;
    return program->header->input_count == 1 &&
           (p->code == 'b' || p->code == 'B' || p->code == 'f') &&
           xn_image_valid(p->width, p->height, p->channels) &&
           program->inputs[0].bytes == (uint64_t)p->width * p->height * p->channels * bytes;
}

void xn_picture_write(const xn_runner_model *model, mp_obj_t pixels, mp_obj_t shape,
                      xn_picture_fit *fit) {
    xn_metadata_picture p;
    uint32_t bytes = 0;
    uint8_t *made;
    if (!xn_metadata_picture_of(&model->program, &p) || !takes_picture(&model->program, &p)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the model takes no picture"));
    }
    xn_image picture = xn_preprocess_image(pixels, shape, MP_BUFFER_READ);
    xn_image from = with_channels(&picture, p.channels, &made);
    uint8_t *input = xn_runner_input(model, 0, &bytes);
    uint32_t count = p.width * p.height;
    uint8_t *packed = input + (p.code == 'f' ? 3u * count * p.channels : 0u);
    uint8_t *fitted = packed + count * (p.channels - from.channels);
    xn_image into = tight(fitted, p.width, p.height, from.channels);
    fit_into(&from, &into, fit);
    if (made != NULL) {
        m_del(uint8_t, made, picture.width *picture.height);
    }
    if (from.channels != p.channels) {
        spread_gray(packed, count);
    }
    if (p.code == 'f') {
        scale_floats(&p, input, count);
    } else {
        scale_bytes(&p, input, count);
    }
}

static float clip(float value, float most) {
    return value < 0.0f ? 0.0f : value > most ? most : value;
}

void xn_picture_undo(const xn_picture_fit *fit, float *x, float *y) {
    *x = clip((*x * fit->input_width - fit->left) / fit->scale, fit->width);
    *y = clip((*y * fit->input_height - fit->top) / fit->scale, fit->height);
}
