// Arm's MPS2 and MPS3 boards, whose differences are in board.toml.
#include "boards/board.h"

#include "arch/cortexm/clock.h"
#include "arch/cortexm/fault.h"
#include "boards/mps/cmsdk_uart.h"
#include "boards/mps/nor.h"
#include "core/base/xn_port.h"

static const xn_port_cpu identity = {
    .board = XN_BOARD_NAME,
    .cpu = XN_BOARD_CPU,
    .family = XN_FAMILY_CORTEX_M,
    .level = XN_BOARD_LEVEL,
    .features = XN_BOARD_FEATURES,
    .hz = XN_CPU_HZ,
};

const xn_port_cpu *xn_port_identity(void) {
    return &identity;
}

void xn_board_start(void) {
    xn_fault_start();
    xn_clock_start();
    xn_cmsdk_uart_start();
}

void xn_board_interrupt(void) {
    xn_cmsdk_uart_interrupt();
}
