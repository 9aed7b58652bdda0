// Which MicroPython this firmware carries: the language and modules that upstream calls "extra
// features", a file system, and hooks that keep the RPC server answering whatever a script does.
#include <alloca.h>
#include <stdint.h>

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// ---- The machine --------------------------------------------------------------------------------

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;

#define MP_SSIZE_MAX (0x7fffffff)
#define UINT_FMT "%lu"
#define INT_FMT "%ld"
#define MP_STATE_PORT MP_STATE_VM
#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))

// A setjmp of our own keeps the vector registers too (arch/cortexm/setjmp.S).
#define MICROPY_NLR_SETJMP (1)
#define MICROPY_GCREGS_SETJMP (1)

uint32_t xn_port_lock(void);
void xn_port_unlock(uint32_t state);
#define MICROPY_BEGIN_ATOMIC_SECTION() xn_port_lock()
#define MICROPY_END_ATOMIC_SECTION(state) xn_port_unlock(state)

// ---- The language -------------------------------------------------------------------------------

#define MICROPY_USE_INTERNAL_ERRNO (1)
#define MICROPY_ENABLE_GC (1)
#define MICROPY_ENABLE_FINALISER (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
// As precise as the FPU is: in software, double precision would cost 20 KB of flash.
#if __ARM_FP & 8
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_DOUBLE)
#else
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
#endif
#define MICROPY_PERSISTENT_CODE_LOAD (1)
#define MICROPY_STREAMS_NON_BLOCK (1)
#define MICROPY_WARNINGS (1)
#define MICROPY_ALLOC_PATH_MAX (128)
#define MICROPY_MODULE_WEAK_LINKS (1)
#define MP_NEED_LOG2 (1)

// ---- The prompt ---------------------------------------------------------------------------------

#define MICROPY_HELPER_REPL (1)
#define MICROPY_REPL_AUTO_INDENT (1)
// Twice the raw-paste window, 0x0101: a window whose bytes hold no 00, which on this line is the
// start of a frame.
#define MICROPY_REPL_STDIN_BUFFER_MAX (514)
#define MICROPY_BANNER_MACHINE XN_BOARD_TITLE
#define MICROPY_HW_BOARD_NAME XN_BOARD_TITLE
#define MICROPY_HW_MCU_NAME XN_BOARD_CPU

extern const char xn_help_text[];
#define MICROPY_PY_BUILTINS_HELP_TEXT xn_help_text

// ---- Modules ------------------------------------------------------------------------------------

#define MICROPY_PY_SYS_PLATFORM "xipnet"
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (0)
#define MICROPY_PY_OS_DUPTERM (0)
#define MICROPY_PY_OS_SYNC (1)
#define MICROPY_PY_OS_UNAME (1)
#define MICROPY_PY_CRYPTOLIB (0)
#define MICROPY_PY_SSL (0)
#define MICROPY_PY_WEBSOCKET (0)
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_MACHINE (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE "micropython/modmachine.c"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (0)
#define MICROPY_PY_MACHINE_MEMX (0)
#define MICROPY_PY_MACHINE_PULSE (0)
#define MICROPY_PY_MACHINE_SIGNAL (0)
// A firmware that can be locked gives Python no raw memory and no raw flash.
#define MICROPY_PY_UCTYPES (!XN_LOCKABLE)

#define MICROPY_VFS (1)
// Memory-mapped files: the store's objects are such (store_vfs.c).
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (0)
#define MICROPY_READER_VFS (1)

// ---- Serving while a script runs ----------------------------------------------------------------

#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_SCHEDULER_STATIC_NODES (1)

void xn_vm_wait(int32_t timeout_ms);

#include "micropython/vm_hooks.h"

#define MICROPY_INTERNAL_EVENT_HOOK xn_vm_poll()
#define MICROPY_INTERNAL_WFE(timeout_ms) xn_vm_wait(timeout_ms)

// ---- What this port adds to modules of others ---------------------------------------------------

#if !XN_LOCKABLE
#define MICROPY_PY_MACHINE_EXTRA_GLOBALS                                                           \
    {MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&xn_flash_device_type)},
#endif
