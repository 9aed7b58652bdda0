// Starts main() of an exported project on the bare machine of tests/numeric/runner/arm.c.
#include "runner.h"

int main(void);

void run_program(void) {
    leave(main());
}
