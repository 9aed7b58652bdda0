// The firmware without Python: models, the store and files, for the host alone.
#include "arch/cortexm/attend.h"
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/step.h"
#include "boards/board.h"
#include "core/base/xn_port.h"
#include "core/link/xn_link.h"
#include "core/rpc/xn_server.h"

#include <stddef.h>

static volatile bool serves;

xn_attend_resume_fn *xn_attend(void) {
    if (serves) {
        (void)xn_server_attend(xn_step_runs());
    }
    return NULL;
}

static void drop_text(void) {
    while (xn_link_text_get() >= 0)
        ;
}

int main(void) {
    xn_link_init(); // from the board's start on bytes may come
    xn_board_start();
    xn_server_init();
    serves = true;
    for (;;) {
        xn_server_poll();
        drop_text();
        uint32_t state = xn_port_lock();
        if (xn_link_frames() == 0) { // the rest has its time, to which the clock wakes
            xn_cpu_sleep();
        }
        xn_port_unlock(state);
    }
}
