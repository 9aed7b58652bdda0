// A new object on its way into the store: one at a time; begin gives up another unfinished one.
#ifndef XN_UPLOAD_H
#define XN_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_patch.h"
#include "store/xn_store_types.h"
#if XN_LOCKABLE
#include "trust/xn_seal.h"
#endif

// `want` states name, type, size and sha256; its offset is filled in. *have: the bytes are in the
// store already, and xn_upload_verify() may follow at once. *resumed: the upload of these bytes was
// begun before; what was written then is still there.
int xn_upload_begin(xn_store_object *want, bool *have, bool *resumed);
#if XN_LOCKABLE
// The same with a seal, NULL: without one. It is checked before anything happens, against the
// policy that holds: XN_E_SEAL, XN_E_COUNTER.
int xn_upload_begin_sealed(xn_store_object *want, const xn_seal *seal, bool *have, bool *resumed);
#endif
// Pieces in any order: offset is a multiple of 256, and so is n but for the last piece. The first
// one into a sector erases it. A piece that is there already is accepted again. If the flash
// does not take a piece its sector is bad, and the upload goes on at another place.
int xn_upload_write(uint32_t offset, const uint8_t *bytes, uint32_t n);
// The same with bytes of the extents, at a flash offset; changed by a patch unless that is NULL.
// With a patch, `from` may be XN_UPLOAD_ZEROS: zeros are changed.
#define XN_UPLOAD_ZEROS 0xFFFFFFFFu
int xn_upload_copy(uint32_t offset, uint32_t from, uint32_t n, xn_patch *patch);
// Compares the SHA-256 of the flash with the stated one and makes the bytes fit to execute.
// Fills *object, whose version is the one that a commit would give.
int xn_upload_verify(xn_store_object *object);
// After verify: one atomic record makes the object current; `activate` makes it the active model
// by the same record, on trial if confirm_s is not 0. What had this name before stays as an old
// version until room is needed.
int xn_upload_commit(bool activate, uint32_t confirm_s, uint32_t boots);
void xn_upload_abort(void); // it can be begun again
// The number of the upload under way, different for each since the start of the board; 0: none is.
uint32_t xn_upload_ticket(void);
#if XN_LOCKABLE
// Whether these bytes of flash are of the upload under way, and were written for it.
bool xn_upload_has_written(uint32_t offset, uint32_t n);
#endif

#endif
