// Weights that are objects of their own: found by their SHA-256, kept while a blob names them.
#ifndef XN_WEIGHTS_H
#define XN_WEIGHTS_H

#include <stdbool.h>

#include "store/xn_store_types.h"
#include "xn_blob.h"

// Which blobs count: of all versions, of current ones, or of those that a locked board takes.
enum xn_weights_by { XN_WEIGHTS_BY_ANY, XN_WEIGHTS_BY_CURRENT, XN_WEIGHTS_BY_SEALED };

// Whether what has this name is taken for weights: it ends with .weights.
bool xn_weights_is_name(const char *name);
// Finds weights by their content, of any name, version or state, and compares their bytes as
// xn_store_check() does. They need no seal: the blob that names them has one. XN_E_WEIGHTS: there
// are none; XN_E_DAMAGED names them.
int xn_weights_find(const uint8_t sha256[32], uint32_t bytes, xn_store_object *weights);
// What a blob in flash names, of all its programs: *count of them, 0 of another object. It is read
// as it is.
const xn_blob_object *xn_weights_named(const xn_store_object *blob, uint32_t *count);
// Whether a blob, or one of a bundle, names these bytes: 1 and which, 0, or an error. What it names
// is read from flash as it is: of a blob that is damaged it may be anything.
int xn_weights_needed(const xn_store_object *weights, enum xn_weights_by by, xn_store_object *blob);
// The same of the weights in an entry of the index; 0: it holds something else.
int xn_weights_entry_needed(uint32_t index, enum xn_weights_by by, xn_store_object *blob);
// XN_E_NEEDED if a blob names weights that have this name, in any version.
int xn_weights_may_remove(const char *name);

#endif
