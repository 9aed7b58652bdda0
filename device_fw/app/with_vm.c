// The firmware: starts the board, then the core, then the VM, over and over.
#include "boards/board.h"
#include "core/link/xn_link.h"
#include "core/rpc/xn_server.h"
#include "micropython/vm.h"

int main(void) {
    xn_link_init(); // from the board's start on bytes may come
    xn_board_start();
    xn_vm_attach();
    xn_server_init();
    xn_vm_live();
}
