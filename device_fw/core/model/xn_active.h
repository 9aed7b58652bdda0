// The active model: which object it is, opened and ready to run; its trial, and what ends it.
#ifndef XN_ACTIVE_H
#define XN_ACTIVE_H

#include "model/xn_runner.h"
#include "store/xn_store.h"

// At start: judges what was under test or on trial when the board stopped, then opens the model
// that the store names. If it cannot be opened none is open (its name stays in the store);
// returns why.
int xn_active_init(void);
// The active model, NULL: none. Its object, which may be a bundle, in *object, unless that is NULL.
xn_runner_model *xn_active_model(xn_store_object *object);
// Why none is open: XN_E_NO_MODEL if none is active, else what was wrong when it was opened.
int xn_active_why_none(void);
// The offset in flash of the active model's bundle; 0: it is in none.
uint32_t xn_active_bundle(void);
// Opens a blob of the store, or of a bundle the member of that number, beside the active model.
// XN_E_DAMAGED: its bytes are not those that were stored.
int xn_active_open(xn_runner_model *model, const xn_store_object *object, uint32_t member);
// Runs the golden vector of an open model whose weights are an object of their own: it may have
// been stored before them, untested. XN_OK: it passed, has none, or was tested when it was stored.
int xn_active_test_late(xn_runner_model *model);
// Makes the named blob the active model, now and after resets. On an error the old one stays.
int xn_active_set(const char *name);
// The same; unless confirm_s is 0 it must be confirmed within so many seconds, and may see so many
// starts of the board.
int xn_active_set_on_trial(const char *name, uint32_t confirm_s, uint32_t boots);

typedef struct xn_active_how {
    bool activate;
    uint32_t confirm_s, boots; // as in xn_active_set_on_trial()
    uint32_t limit_ms;         // of a step of the golden run
} xn_active_how;

// After xn_upload_verify() of a blob or a bundle: opens it, runs its golden vector (of a bundle
// each one), commits, and makes it active if asked, or if it replaces the active one. A blob whose
// weights are missing is committed untested if it does not become active. On an error
// the old model is active as before. *golden: 1 passed, 0 has none, or one of a bundle has none.
int xn_active_install(const xn_store_object *object, const xn_active_how *how, int *golden,
                      uint32_t *golden_us);
// Removes an object; if it is the active model it is closed first.
int xn_active_remove(const char *name);
// Returns to the version before, or, on trial, to what was active before.
int xn_active_rollback(const char *name);

// Whether a trial's time is over; xn_active_poll() then ends it. left_ms: what a trial has left.
bool xn_active_due(void);
void xn_active_poll(void);
uint32_t xn_active_left_ms(void);

// Around a change of the active model. During it, places in the code that could answer runs ask
// xn_active_serves() whether they may. end() gives the longest time in microseconds in which they
// could not.
void xn_active_swap_begin(void);
bool xn_active_serves(void);
uint32_t xn_active_swap_end(void);

#endif
