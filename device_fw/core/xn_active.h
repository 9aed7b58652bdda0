// The active model: which object it is, opened and ready to run.
#ifndef XN_ACTIVE_H
#define XN_ACTIVE_H

#include "xn_runner.h"
#include "xn_store.h"

// At start: opens the model the store names. A model that cannot be opened leaves none open (its
// name stays in the store); returns why.
int xn_active_init(void);
// The active model, NULL where none is. Its object in *object where not NULL.
xn_model *xn_active_model(xn_store_object *object);
// Makes the named blob the active model, now and after resets. On an error the old one stays.
int xn_active_set(const char *name);
// After xn_store_verify() of a blob: opens it, runs its golden vector, commits, and makes it active
// where asked or where it replaces the active one. On an error the old model is active as before.
// *golden: 1 passed, 0 has none.
int xn_active_install(const xn_store_object *object, bool activate, int *golden,
                      uint32_t *golden_us);
// Removes an object; when it is the active model it is closed first.
int xn_active_remove(const char *name);

#endif
