// Pictures on their way into a model: resized, cut out, converted, quantised. Pixels are bytes, row
// by row, channels side by side. docs/ON-BOARD.md states what each gives, to the bit.
#ifndef XN_IMAGE_H
#define XN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define XN_IMAGE_SIDE_MAX 16384u // pixels: no product below overflows
#define XN_IMAGE_CHANNELS_MAX 4u

typedef struct xn_image {
    uint8_t *at;
    uint32_t width, height; // pixels, 1 .. XN_IMAGE_SIDE_MAX
    uint32_t channels;      // 1 .. XN_IMAGE_CHANNELS_MAX
    uint32_t row;           // bytes from one row to the next, >= width * channels
} xn_image;

bool xn_image_valid(uint32_t width, uint32_t height, uint32_t channels);
// A part of an image, wholly within it.
xn_image xn_image_part(const xn_image *whole, uint32_t left, uint32_t top, uint32_t width,
                       uint32_t height);
void xn_image_copy(const xn_image *from, const xn_image *to); // of the same size
void xn_image_fill(const xn_image *to, uint8_t value);

// Each resizes into `to`, which has as many channels. Nearest: the pixel whose area holds the
// centre.
void xn_image_nearest(const xn_image *from, const xn_image *to);
// A triangle as wide as a target pixel, horizontally and then vertically. `work` has
// xn_image_bilinear_work() bytes, aligned to 8.
uint32_t xn_image_bilinear_work(const xn_image *from, const xn_image *to);
void xn_image_bilinear(const xn_image *from, const xn_image *to, void *work);
// The part of `into` that a picture of from's size covers, as large as its aspect ratio lets it.
xn_image xn_image_letterbox(const xn_image *from, const xn_image *into);

enum xn_image_format {
    XN_IMAGE_GRAY = 1,     // 1 byte
    XN_IMAGE_RGB = 3,      // 3 bytes
    XN_IMAGE_RGB565 = 16,  // 2 bytes, the lower first
    XN_IMAGE_RGB565BE = 17 // 2 bytes, the higher first, as cameras send it
};
uint32_t xn_image_pixel_bytes(enum xn_image_format format);
// `to` is GRAY or RGB; may be `from` itself if its pixels are no longer.
void xn_image_convert(const uint8_t *from, enum xn_image_format from_format, uint8_t *to,
                      enum xn_image_format to_format, uint32_t pixels);

// How one channel's bytes become a model's numbers: nearest, halves away from zero, saturated.
typedef struct xn_image_scaling {
    float mean, std;    // real value = (byte - mean) / std
    float scale;        // > 0
    int32_t zero_point; // number = real / scale + zero_point
} xn_image_scaling;
// table[i]: of byte i, as int8 or uint8.
void xn_image_quantise_table(const xn_image_scaling *scaling, bool is_signed, uint8_t table[256]);
// `tables` one for each channel; `from` may be `to`.
void xn_image_map(const uint8_t *from, uint8_t *to, uint32_t pixels, uint32_t channels,
                  const uint8_t (*tables)[256]);

#endif
