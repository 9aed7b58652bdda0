// The blob: its bytes (format 2.0) and its call interface. docs/SPEC-blob.md is the text of this
// page. Shared by the kernels, the device loader and the host; all numbers little-endian.
#ifndef XN_BLOB_H
#define XN_BLOB_H

#include <stdint.h>

// ---- Call interface --------------------------------------------------------------------------

// All a kernel may touch. Inputs, outputs and scratch live in the arena, at offsets fixed by the
// compiler; nothing else is writable.
typedef struct xn_ctx {
    uint8_t *arena;         // arena_bytes, aligned to XN_ARENA_ALIGN
    const uint8_t *weights; // weights_bytes, aligned to XN_SECTION_ALIGN
} xn_ctx;

// One step. Returns 0, or a negative number of its own when it cannot go on.
typedef int32_t xn_step_fn(const xn_ctx *ctx);

#define XN_ARENA_ALIGN 16u
#define XN_SECTION_ALIGN 64u

// ---- Bytes -----------------------------------------------------------------------------------

#define XN_BLOB_MAGIC 0x424E5058u // "XPNB"
#define XN_BLOB_MAJOR 2u
#define XN_BLOB_MINOR 0u
#define XN_BLOB_OBJECTS 16u // that a blob may need, at most

typedef struct xn_blob_header {
    uint32_t magic;           // XN_BLOB_MAGIC
    uint32_t total_bytes;     // whole blob, multiple of 64
    uint8_t sha256[32];       // of bytes [40, total_bytes)
    uint16_t format_major;    // XN_BLOB_MAJOR, or 1
    uint16_t format_minor;    // refused when newer than XN_BLOB_MINOR
    uint32_t flags;           // 0; a set bit that the reader does not know is refused
    uint32_t variant_offset;  // xn_blob_variant[variant_count]
    uint32_t variant_count;   // >= 1; the first that the CPU can run is taken
    uint32_t io_offset;       // xn_blob_io[input_count + output_count]
    uint16_t input_count;     // >= 1
    uint16_t output_count;    // >= 1
    uint32_t entry_offset;    // xn_blob_entry[entry_count]
    uint32_t entry_count;     // >= 1; entry 0 is the network itself
    uint32_t metadata_offset; // msgpack map
    uint32_t metadata_bytes;
    uint32_t golden_offset; // xn_blob_golden and its bytes, 0 if there is none
    uint32_t golden_bytes;  // 0 if there is none
    // From here on all is 0 in 1.0.
    uint32_t details_offset;   // msgpack map, raw deflate; 0 if there is none
    uint32_t details_bytes;    // as they lie here
    uint32_t details_unpacked; // when inflated
    uint32_t object_offset;    // xn_blob_object[object_count]
    uint32_t object_count;     // of what the blob needs beside itself
    uint32_t state_offset;     // of what the program keeps from run to run, in the arena
    uint32_t state_bytes;      // 0: it keeps nothing
    uint32_t reset_step;       // steps [reset_step, reset_step + reset_steps) set the state, after
    uint32_t reset_steps;      // it was cleared
    uint32_t reserved;         // 0
} xn_blob_header;

enum xn_family {
    XN_FAMILY_CORTEX_M = 1,
    XN_FAMILY_X86_64 = 2,
    XN_FAMILY_AARCH64 = 3,
    XN_FAMILY_RV32 = 4, // RISC-V with 32-bit registers, called by ILP32
};

// Architecture level within XN_FAMILY_CORTEX_M: code of a lower level runs on a higher one.
enum xn_level { XN_LEVEL_V6M = 60, XN_LEVEL_V7M = 70, XN_LEVEL_V8M = 80, XN_LEVEL_V81M = 81 };

// CPU features that a variant may need. The same bit means another feature in another family.
enum xn_feature {          // within XN_FAMILY_CORTEX_M
    XN_FEATURE_DSP = 1,    // SMLAD and friends
    XN_FEATURE_FP32 = 2,   // single precision registers and arithmetic
    XN_FEATURE_FP64 = 4,   // double precision arithmetic
    XN_FEATURE_MVE_I = 8,  // Helium, integer
    XN_FEATURE_MVE_F = 16, // Helium, float
};

enum xn_feature_rv {           // within XN_FAMILY_RV32: the bits of the register misa
    XN_FEATURE_RV_A = 1 << 0,  // atomic instructions
    XN_FEATURE_RV_C = 1 << 2,  // compressed instructions
    XN_FEATURE_RV_M = 1 << 12, // multiplication and division
};

// The program for one kind of CPU.
typedef struct xn_blob_variant {
    uint16_t family;         // enum xn_family
    uint16_t level;          // enum xn_level; 0 outside Cortex-M
    uint32_t features;       // the family's enum xn_feature*, all needed
    uint32_t code_offset;    // aligned to 64; flat, entered at step offsets, owns no writable data
    uint32_t code_bytes;     // multiple of 4
    uint32_t weights_offset; // aligned to 64; variants may share them; may be that in an object
    uint32_t weights_bytes;
    uint32_t step_offset; // uint32_t[step_count]: offset of each step's function in the code
    uint32_t step_count;  // network steps, then the steps of the heads
    uint32_t arena_bytes; // multiple of 16
    uint32_t stack_bytes; // upper bound of what one step uses
    uint32_t object;      // 0: the weights are here; n: they are in object n - 1
    uint32_t reserved[5]; // 0
} xn_blob_variant;

// The place of an input or output in the arena: inputs hold between the write and the run, outputs
// from the end of the network's steps until the next write or run.
typedef struct xn_blob_io {
    uint32_t arena_offset; // aligned to 16
    uint32_t bytes;
} xn_blob_io;

enum xn_result {
    XN_RESULT_TENSORS = 0,    // the outputs themselves
    XN_RESULT_DETECTIONS = 1, // xn_detections
    XN_RESULT_CLASSES = 2,    // xn_classes
    XN_RESULT_DESCRIBED = 3,  // as xn_detections, but with the items that the metadata describe
};

// A way to run the blob: all the network's steps, then a head's own.
typedef struct xn_blob_entry {
    uint16_t result;        // enum xn_result; an unknown one can be run, not interpreted
    uint16_t reserved;      // 0
    uint32_t network_steps; // steps [0, network_steps) run first
    uint32_t head_step;     // then [head_step, head_step + head_steps)
    uint32_t head_steps;    // 0: the network alone
    uint32_t result_offset; // in the arena, aligned to 16; 0 for XN_RESULT_TENSORS
    uint32_t result_bytes;  // upper bound; 0 for XN_RESULT_TENSORS
} xn_blob_entry;

enum xn_golden_input {
    XN_GOLDEN_STORED = 0,
    XN_GOLDEN_XORSHIFT = 1, // bytes
    XN_GOLDEN_FLOATS = 2,   // float32 in [0, 1)
};
enum xn_golden_output { XN_GOLDEN_BYTES = 0, XN_GOLDEN_SHA256 = 1 };

// The golden test vector: the inputs of `runs` runs of entry 0, and the outputs that they give.
// Inputs are stored, or made by xorshift32 from the seed (state = seed; per value: x ^= x << 13, x
// ^= x >> 17, x ^= x << 5; a byte is x >> 24, a float32 (x >> 8) / 2^24), all in one stream.
typedef struct xn_blob_golden {
    uint8_t input_kind;    // enum xn_golden_input
    uint8_t output_kind;   // enum xn_golden_output
    uint16_t runs;         // 0 means one, too
    uint32_t seed;         // 0 if the inputs are stored
    uint32_t input_bytes;  // stored bytes that follow
    uint32_t output_bytes; // all outputs of all runs, or 32 of their hash; they follow the inputs
} xn_blob_golden;

// What the blob needs beside itself, named by its content.
typedef struct xn_blob_object {
    uint8_t sha256[32];
    uint32_t bytes;
    uint32_t reserved; // 0
} xn_blob_object;

// ---- Results of heads, in the arena ------------------------------------------------------------

typedef struct xn_detection {
    float x0, y0, x1, y1; // corners, 0..1 of the model's input, clipped
    float score;          // 0..1
    int32_t label;        // index into the metadata's labels
} xn_detection;

typedef struct xn_detections {
    uint32_t count;
    uint32_t reserved[3]; // 0
    xn_detection item[];  // by falling score
} xn_detections;

typedef struct xn_class {
    int32_t label;
    float score; // 0..1
} xn_class;

typedef struct xn_classes {
    uint32_t count;
    uint32_t reserved[3]; // 0
    xn_class item[];      // by falling score
} xn_classes;

_Static_assert(sizeof(xn_blob_header) == 128, "header");
_Static_assert(sizeof(xn_blob_variant) == 64, "variant");
_Static_assert(sizeof(xn_blob_io) == 8, "io");
_Static_assert(sizeof(xn_blob_entry) == 24, "entry");
_Static_assert(sizeof(xn_blob_golden) == 16, "golden");
_Static_assert(sizeof(xn_blob_object) == 40, "object");
_Static_assert(sizeof(xn_detection) == 24 && sizeof(xn_class) == 8, "results");

#endif
