// The core as a process, without MicroPython: `core FLASH_FILE ARENA_BYTES`.
#include "boards/host/process.h"

int main(int argc, char **argv) {
    static const xn_process_vm vm = {.version = "", .fd = -1};
    return xn_process_run(argc, argv, &vm);
}
