// The store as a read-only file system, mounted at /store: scripts are imported from it, and
// bytecode (.mpy) executes in place.
#ifndef XN_STORE_VFS_H
#define XN_STORE_VFS_H

#include <stdbool.h>
#include <stdint.h>

void xn_store_vfs_mount(void);
// At the start of a VM's life: bytecode of the last one is no longer in use.
void xn_store_vfs_forget(void);
// Of the lockable build: keeps bytes of the store where they are until then; false: so many are
// kept already.
bool xn_store_vfs_pin(const uint8_t *at, uint32_t n);

#endif
