// The store as a read-only file system, mounted at /store: scripts are imported from it, and
// bytecode (.mpy) executes in place.
#ifndef XN_STORE_VFS_H
#define XN_STORE_VFS_H

void xn_store_vfs_mount(void);
// At the start of a VM's life: bytecode of the last one is no longer in use.
void xn_store_vfs_forget(void);

#endif
