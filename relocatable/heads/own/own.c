// Head `own`: calls the C function of a user's file. XN_HEAD_FILE and XN_HEAD_FUNCTION name them.
#include "ops/_shared/xn_kernel.h"
#include "heads/own/xn_head.h"

_Static_assert(sizeof(xn_head_item) == XN_HEAD_ITEM_BYTES, "layout of an item");

static void XN_HEAD_FUNCTION(const xn_head *head, xn_head_result *found);

#include XN_HEAD_FILE

// found: room for XN_HEAD_MOST items.
XN_KERNEL void xn_own_run(const xn_head *head, xn_head_result *found) {
    uint32_t *words = (uint32_t *)(void *)found;
    for (uint32_t i = 0; i < XN_HEAD_RESULT_BYTES / 4; i++) {
        words[i] = 0;
    }
    XN_HEAD_FUNCTION(head, found);
    found->count = found->count < XN_HEAD_MOST ? found->count : XN_HEAD_MOST;
    for (uint32_t i = 0; i < 3; i++) {
        found->reserved[i] = 0;
    }
}
