// A clock that stands still, and a chip without random numbers: linked instead of the host's.
#include <stddef.h>
#include <stdint.h>

uint64_t __wrap_xn_port_time_us(void);
const char *__wrap_xn_port_entropy(uint8_t *to, uint32_t n);

uint64_t __wrap_xn_port_time_us(void) {
    return 0;
}

const char *__wrap_xn_port_entropy(uint8_t *to, uint32_t n) {
    (void)to;
    (void)n;
    return NULL;
}
