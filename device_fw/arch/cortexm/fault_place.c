// Where a fault happened, for the handlers of the firmware's and of a step's.
#include "arch/cortexm/fault.h"
#include "arch/cortexm/scs.h"

volatile int32_t xn_fault_step = -1;

// The registers pushed on entry cannot be trusted if pushing them, or the floats, failed.
uint32_t xn_fault_pc(const xn_fault_frame *pushed, uint32_t cfsr) {
    const uint32_t stacking_failed = 0x00101818u;
    return (cfsr & stacking_failed) ? 0 : pushed->pc;
}

uint32_t xn_fault_address(uint32_t cfsr) {
    if (cfsr & CFSR_MMARVALID) {
        return SCB_MMFAR;
    }
    return (cfsr & CFSR_BFARVALID) ? SCB_BFAR : XN_FAULT_NO_ADDRESS;
}
