"""An STM32F401 in an emulator, as a process.

python -m tests.sim.stm32_emulator firmware.elf flash.bin PORT

The emulator (labwired) has the chip's clocks and a flash that can be written, which QEMU lacks; its
USART2 is at 127.0.0.1:PORT. It runs at about 1/200 of the chip's speed, and raises no interrupt for
a byte received: that is done here. When the connection ends, what the flash holds then goes into a
file, and registers that tell of clocks and flash into one beside it.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import labwired

CHIP = "stm32f401"
FLASH, FLASH_BYTES = 0x08000000, 512 << 10
SLICE = "200us"
USART2_PENDING = 0xE000E204, 1 << (38 - 32)  # NVIC_ISPR1
REGISTERS = {
    "RCC_CR": 0x40023800,
    "RCC_PLLCFGR": 0x40023804,
    "RCC_CFGR": 0x40023808,
    "FLASH_ACR": 0x40023C00,
    "FLASH_CR": 0x40023C10,
    "USART2_BRR": 0x40004408,
}


def serve(sim: Any, wire: socket.socket) -> None:
    """Run the chip, and carry bytes both ways, until the other side ends."""
    wire.setblocking(False)
    while True:
        try:
            data = wire.recv(4096)
        except BlockingIOError:
            pass
        else:
            if not data:
                return
            sim.send_bytes(data)
            sim.write_u32(*USART2_PENDING)
        sim.run_for(SLICE)
        if out := sim.read_uart_bytes():
            wire.setblocking(True)
            wire.sendall(out)
            wire.setblocking(False)


def main(firmware: str, flash: str, port: str) -> None:
    """Play the board until its line is closed."""
    with socket.create_server(("127.0.0.1", int(port))) as server:
        wire, _ = server.accept()
    with wire, labwired.Sim(firmware, chip=CHIP) as sim:
        serve(sim, wire)
        registers = {name: sim.read_u32(address) for name, address in REGISTERS.items()}
        Path(flash).with_suffix(".json").write_text(json.dumps(registers), encoding="utf-8")
        Path(flash).write_bytes(sim.read_memory(FLASH, FLASH_BYTES))


if __name__ == "__main__":
    main(*sys.argv[1:])
