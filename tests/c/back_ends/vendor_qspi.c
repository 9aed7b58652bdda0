// A QUADSPI with a chip of 16 MB, at the level of commands: what upstream's ports/stm32/qspi.c is
// to upstream's drivers/memory/spiflash.c. The chip is mapped while the bus is not in use.
#include "chip.h"

#include "drivers/bus/qspi.h"

#define BASE 0x50000000u

const chip chip_here = {BASE, 0x1000000, 1, 1};

static bool ready, acquired, may_write;
static uint32_t told[2]; // of the last MEMORY_MODIFIED

static int control(void *self, uint32_t what, uintptr_t argument) {
    (void)self;
    switch (what) {
    case MP_QSPI_IOCTL_INIT:
        ready = true;
        break;
    case MP_QSPI_IOCTL_BUS_ACQUIRE:
        CHIP_CHECK(ready && !acquired);
        acquired = true;
        chip_map(false);
        break;
    case MP_QSPI_IOCTL_BUS_RELEASE:
        CHIP_CHECK(acquired);
        acquired = false;
        chip_map(true);
        break;
    case MP_QSPI_IOCTL_MEMORY_MODIFIED:
        told[0] = (uint32_t)((uintptr_t *)argument)[0];
        told[1] = (uint32_t)((uintptr_t *)argument)[1];
        CHIP_CHECK(told[1] > 0);
        break;
    }
    return 0;
}

static int write_command(void *self, uint8_t command, size_t n, uint32_t data) {
    (void)self;
    (void)n;
    (void)data;
    CHIP_CHECK(acquired);
    may_write = command == 0x06;
    return 0;
}

static int write_at(void *self, uint8_t command, uint32_t offset, size_t n, const uint8_t *from) {
    (void)self;
    CHIP_CHECK(acquired && may_write && (command == 0x02 || command == 0x20));
    may_write = false;
    if (command == 0x20) {
        chip_erase(BASE + offset, 4096);
    } else {
        CHIP_CHECK(n <= 256 - offset % 256);
        chip_program(BASE + offset, from, (uint32_t)n);
    }
    return 0;
}

// Registers: busy is never seen; write enable is; quad enable is set.
static int read_register(void *self, uint8_t command, size_t n, uint32_t *to) {
    (void)self;
    (void)n;
    *to = command == 0x35 ? 2 : may_write ? 2 : 0;
    return 0;
}

const mp_qspi_proto_t qspi_proto = {
    .ioctl = control,
    .write_cmd_data = write_command,
    .write_cmd_addr_data = write_at,
    .read_cmd = read_register,
};

void mp_hal_delay_ms(mp_uint_t ms) {
    (void)ms;
}

#ifdef XN_USER_SPIFLASH // the board's own, which it has started
#include "storage.h"

static const mp_spiflash_config_t config = {.bus_kind = MP_SPIFLASH_BUS_QSPI,
                                            .bus.u_qspi.proto = &qspi_proto};
mp_spiflash_t stub_board_chip = {.config = &config};

__attribute__((constructor)) static void start(void) {
    ready = true;
}
#endif
