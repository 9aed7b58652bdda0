// The last step of a new object: a blob, and each of a bundle, goes through the loader, others are
// committed as they are.
#ifndef XN_INSTALL_H
#define XN_INSTALL_H

#include "model/xn_active.h"

// Commits what was verified. Blobs are checked and their golden vectors run before; *golden: 1 all
// passed, 0 one has none. `how->activate` is for blobs and bundles only.
int xn_install(const xn_store_object *object, const xn_active_how *how, int *golden,
               uint32_t *golden_us);
// Brings n bytes into the store as the object `name`, of at most XN_STORE_NAME_MAX bytes; its type
// follows from name and bytes. An upload that is under way is given up.
int xn_install_bytes(const char *name, const uint8_t *bytes, uint32_t n);
// blob, bundle: begins with the magic; weights: the name ends with .weights; script: with .py or
// .mpy; else data.
enum xn_store_type xn_install_type(const char *name, const uint8_t *bytes, uint32_t n);

#endif
