// The core as a process whose firmware was built with a policy: locked, one key, product "lamp".
#include "boards/host/host.h"
#include "boards/host/process.h"
#include "trust/xn_policy.h"

// Its secret is the SHA-256 of the text "the owner" (sealing.py).
static const xn_policy policy = {
    .state = XN_POLICY_LOCKED,
    .product = "lamp",
    .keys = {{0xB3, 0xEE, 0xF6, 0xBC, 0xBC, 0xB8, 0xAA, 0x21, 0x34, 0x18, 0x98,
              0xE6, 0xB6, 0xFF, 0xF0, 0xD8, 0x1F, 0xF1, 0x52, 0xA4, 0xE4, 0x54,
              0xAC, 0x04, 0x6B, 0x83, 0x69, 0x59, 0x76, 0x3A, 0xB6, 0x93}},
};

int main(int argc, char **argv) {
    static const xn_process_vm vm = {.version = "", .fd = -1};
    xn_host_policy = &policy;
    return xn_process_run(argc, argv, &vm);
}
