// Keys of a blob's metadata that the firmware reads (docs/SPEC-blob.md section 7), by the map that
// holds them. relocatable/blob/metadata.py writes them.
#ifndef XN_METADATA_KEYS_H
#define XN_METADATA_KEYS_H

// The model.
#define XN_KEY_TENSORS "tensors"
#define XN_KEY_INPUTS "inputs"
#define XN_KEY_OUTPUTS "outputs"
#define XN_KEY_STEPS "steps"
#define XN_KEY_LABELS "labels"
#define XN_KEY_IMAGE "image"
#define XN_KEY_RESULTS "results"

// A tensor, a step, a result's field.
#define XN_KEY_NAME "name"
#define XN_KEY_SHAPE "shape"
#define XN_KEY_DTYPE "dtype"
#define XN_KEY_SCALE "scale"
#define XN_KEY_ZERO_POINT "zero_point"

// The image.
#define XN_KEY_MEAN "mean"
#define XN_KEY_STD "std"

// A result and its fields.
#define XN_KEY_ITEM_BYTES "item_bytes"
#define XN_KEY_FIELDS "fields"
#define XN_KEY_OFFSET "offset"
#define XN_KEY_COUNT "count"
#define XN_KEY_ROLE "role"

#endif
