// Arm MPS2 with the AN500 image: a Cortex-M7 with double precision.
#include "arch/cortexm/cpu.h"
#include "boards/common/board.h"
#include "core/base/xn_port.h"

static const xn_port_cpu identity = {
    .board = XN_BOARD_NAME,
    .cpu = XN_BOARD_CPU,
    .family = XN_FAMILY_CORTEX_M,
    .level = XN_LEVEL_V7M,
    .features = XN_FEATURE_DSP | XN_FEATURE_FP32 | XN_FEATURE_FP64,
    .hz = XN_CPU_HZ,
};

const xn_port_cpu *xn_port_identity(void) {
    return &identity;
}

void xn_board_start(void) {
    xn_fault_start();
    xn_clock_start();
    xn_nor_start();
    xn_cmsdk_uart_start();
}
