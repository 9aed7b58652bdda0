"""What a board's TOML says, checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_fw.boards.stm32f4_flash import check_sectors

__all__ = [
    "LOCKABLE_SUFFIX",
    "PART_TABLES",
    "STACK_EXTRA_BYTES",
    "TRUST_STATES",
    "Board",
    "Core",
    "Emulator",
    "Link",
    "Part",
    "Region",
    "Trust",
    "read_board",
]

# The tables that name a part, in the order in which the parts are started.
PART_TABLES = ("clock", "flash", "pins", "uart", "sensors", "entropy", "counter")
# Those of parts that only a firmware has that can be locked.
_LOCK_TABLES = ("entropy", "counter")
REGIONS = ("vectors", "code", "data", "stack", "heap", "arena")

# Of a policy, docs/SPEC-trust.md, section 1.
TRUST_STATES = ("open", "warn", "locked", "counted")

_CORES = Path(__file__).resolve().parent.parent / "arch" / "cortexm" / "cores.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBERS = re.compile(r"[0-9]+(, [0-9]+)*")  # a list, as C takes it
_LENGTH = re.compile(r"([0-9]+)([KM]?)")
_PRODUCT = re.compile(r"[ -~]{1,15}")
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_KEYS_MAX = 2
_DEVELOPMENT_KEY = bytes.fromhex("bdb5aee9960674b32f5b1e7693822f0e1044d5c90df8ee17b4f9a7331cb8a768")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
_STEP_STACK_BYTES = 16 << 10
# Of the region `stack`, at its end: the stack of the fault handler and what outlives a reset.
STACK_EXTRA_BYTES = 2048

# Of a board's name: its firmware that can be locked, which may have so many bytes of code more.
LOCKABLE_SUFFIX = "-lockable"
_LOCK_TEXT_BYTES = 18432


@dataclass(frozen=True)
class Core:
    """A CPU core as the compilers and the blobs know it.

    Attributes:
        zig_cpu: CPU and features as `zig -mcpu` wants them.
        clang_target: the target triple that Clang compiles for.
        level: name in `xn_blob.h` of its architecture level.
        features: names there of what else the CPU has, joined by `|`.
    """

    zig_cpu: str
    clang_target: str
    level: str
    features: str


@dataclass(frozen=True)
class Part:
    """A peripheral and its driver.

    Attributes:
        table: of the TOML, one of PART_TABLES.
        name: of the driver, a file of `device_fw/parts` or beside the TOML; None: the table has
            facts alone.
        facts: the table's other keys. They become macros: `base` of `[uart]` is `XN_UART_BASE`.
    """

    table: str
    name: str | None
    facts: Mapping[str, int | str]


@dataclass(frozen=True)
class Region:
    """A range of addresses, `length` in bytes."""

    origin: int
    length: int


@dataclass(frozen=True)
class Link:
    """What the core's buffers hold, which is most of the RAM that it takes.

    Attributes:
        frame_bytes: of a frame's body, both ways.
        window: frames that may wait.
        objects: that the store holds at most.
        sectors: of flash that the store uses at most.
    """

    frame_bytes: int
    window: int
    objects: int
    sectors: int


@dataclass(frozen=True)
class Trust:
    """The policy that a firmware is built with: whose models and scripts it takes.

    Attributes:
        state: one of TRUST_STATES, by its place.
        product: of the board, 1 to 15 printable ASCII characters.
        keys: public keys of Ed25519, two at most.
        reads: whether hosts may read models and results of a locked board.
    """

    state: int
    product: str
    keys: tuple[bytes, ...]
    reads: bool


@dataclass(frozen=True)
class Emulator:
    """How an emulator plays a board.

    Attributes:
        program: the executable, QEMU's.
        machine: its `-machine`.
        memory_bytes: the memory, backed by a file, that holds the flash at its start; None: the
            flash is in memory of the machine and ends with it.
        arguments: further ones, before `-serial`.
    """

    program: str
    machine: str
    memory_bytes: int | None
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """One board, as its TOML describes it. Sizes are bytes.

    Attributes:
        path: the TOML.
        name: its name, with LOCKABLE_SUFFIX if that was asked for.
        title: for people.
        cpu: the compiler's name of the core, for example `cortex-m55`.
        core: the core.
        text_max: bytes that the firmware's code may have.
        parts: its peripherals, in the order in which they are started.
        vm: whether the firmware holds MicroPython; without, it serves the host alone.
        lockable: whether the firmware can be locked to what is signed.
        trust: the policy that it is built with; None: none.
        link: what the core's buffers hold.
        memory: what the linker script is made of, by the names `code`, `data`, `stack`, `arena`,
            with MicroPython `heap`, and `vectors` if the vector table is not in `code`.
        step_stack: bytes of the region `stack` that are the steps' stack.
        emulator: how to start the board virtually; None: nothing plays it.
    """

    path: Path
    name: str
    title: str
    cpu: str
    core: Core
    text_max: int
    parts: tuple[Part, ...]
    vm: bool
    lockable: bool
    trust: Trust | None
    link: Link
    memory: Mapping[str, Region]
    step_stack: int
    emulator: Emulator | None

    def fact(self, table: str, key: str, otherwise: int | None = None) -> int:
        """Return a number that the TOML gives of a part.

        Raises:
            ValueError: it does not, and there is no other.
        """
        for part in self.parts:
            value = part.facts.get(key)
            if part.table == table and isinstance(value, int):
                return value
        if otherwise is not None:
            return otherwise
        raise ValueError(f"{self.path}: [{table}] has no number {key!r}")

    @property
    def hz(self) -> int:
        """The clock of the core and its SysTick."""
        return self.fact("clock", "hz")

    @property
    def irqs(self) -> int:
        """How many external interrupts the vector table has: up to the parts' highest."""
        return 1 + max((int(part.facts.get("irq", -1)) for part in self.parts), default=-1)

    @property
    def flash_base(self) -> int:
        """The address that the flash is mapped at."""
        return self.fact("flash", "base")

    @property
    def flash_bytes(self) -> int:
        """The whole flash."""
        return self.fact("flash", "bytes")

    @property
    def holds_code(self) -> bool:
        """Whether code cannot be read while the flash erases or programs.

        Then all that may interrupt is kept in RAM, with the drivers of UART and flash.
        """
        return self.fact("flash", "holds_code", 0) != 0

    @property
    def is_flat(self) -> bool:
        """Whether the plain bytes of its flash are made: it is a chip's, or plays one."""
        return self.holds_code or self.emulator is None

    @property
    def files_bytes(self) -> int:
        """The top of the flash, used by the VM's file system; the rest is the store's."""
        return self.fact("flash", "files_bytes", 0)


def read_board(path: Path, lockable: bool = False) -> Board:
    """Read a board's TOML; the file's name is the board's.

    Args:
        path: the TOML.
        lockable: return the board with the firmware that can be locked, under a name of its own.

    Raises:
        ValueError: a key is missing, unknown, or of another type or range.
    """
    path = path.absolute()  # the build runs elsewhere
    if not _NAME.fullmatch(path.stem):
        raise ValueError(f"{path}: the name must be of a-z, 0-9 and _")
    try:
        top = _Table("", tomllib.loads(path.read_text(encoding="utf-8")))
        board = _board(path, top, lockable)
        top.end()
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error
    return board


class _Table:
    """A table of the TOML whose keys are taken one after another."""

    def __init__(self, name: str, keys: Any) -> None:
        if not isinstance(keys, dict):
            raise ValueError(f"{name} must be a table; is {keys!r}")
        self.name = name
        self.keys = dict(keys)

    def take(self, key: str, kind: type, otherwise: Any = ...) -> Any:
        """Take a key's value.

        Raises:
            ValueError: it is missing, or of another type.
        """
        value = self.keys.pop(key, otherwise)
        if value is ...:
            raise ValueError(f"[{self.name}] {key} is missing")
        if value is not otherwise and type(value) is not kind:
            raise ValueError(f"[{self.name}] {key} must be {kind.__name__}; is {value!r}")
        return value

    def table(self, key: str) -> _Table:
        """Take a table, which may be missing: then it is empty."""
        return _Table(key, self.take(key, dict, {}))

    def end(self) -> None:
        """Refuse the keys that nobody took.

        Raises:
            ValueError: there are some.
        """
        if self.keys:
            raise ValueError(f"[{self.name}] has no key {', '.join(map(repr, self.keys))}")


def _board(path: Path, top: _Table, as_lockable: bool) -> Board:
    lockable = top.take("lockable", bool, False) or as_lockable
    memory = top.table("memory")
    stack = _Table("memory.stack", memory.keys.get("stack"))
    step_stack = _length(stack.keys.pop("step", _STEP_STACK_BYTES))
    memory.keys["stack"] = stack.keys
    regions = {name: _region(memory.table(name)) for name in REGIONS if name in memory.keys}
    memory.end()
    vm = top.take("vm", bool, True)
    needless = {"vectors"} if vm else {"vectors", "heap"}
    missing = [name for name in REGIONS if name not in {*regions, *needless}]
    if missing:
        raise ValueError(f"[memory] {missing[0]} is missing")
    least = step_stack + STACK_EXTRA_BYTES
    if regions["stack"].length <= least:
        raise ValueError(
            f"[memory] stack must be longer than {least} bytes: the steps' stack and "
            f"{STACK_EXTRA_BYTES} bytes; is {regions['stack'].length}"
        )
    described = [_part(top.table(name)) for name in PART_TABLES]
    parts = tuple(part for part in described if lockable or part.table not in _LOCK_TABLES)
    if vm and any(part.facts.get("holds_code") for part in parts):
        raise ValueError(
            "[flash] holds_code needs vm = false: MicroPython's interrupts are in flash"
        )
    _check_flash(described, regions)
    cpu = top.take("cpu", str)
    text_max = top.take("text_max", int, regions["code"].length)
    return Board(
        path=path,
        name=path.stem + (LOCKABLE_SUFFIX if as_lockable else ""),
        title=top.take("title", str),
        cpu=cpu,
        core=_core(cpu, top.table("build")),
        text_max=min(text_max + (_LOCK_TEXT_BYTES if as_lockable else 0), regions["code"].length),
        parts=parts,
        vm=vm,
        lockable=lockable,
        trust=_trust(top.table("trust"), lockable) if "trust" in top.keys else None,
        link=_link(top.table("link")),
        memory=regions,
        step_stack=step_stack,
        emulator=_emulator(top.table("emulator")) if "emulator" in top.keys else None,
    )


def _check_flash(parts: Iterable[Part], regions: Mapping[str, Region]) -> None:
    for part in parts:
        if part.name == "flash_stm32f4":
            numbers, size = str(part.facts.get("sectors")), part.facts.get("bytes")
            if not _NUMBERS.fullmatch(numbers) or not isinstance(size, int):
                raise ValueError("[flash] must have sectors, a list of numbers, and bytes")
            sectors = [int(number) for number in numbers.split(", ")]
            code = [regions[name] for name in ("vectors", "code") if name in regions]
            check_sectors(sectors, size, [(region.origin, region.length) for region in code])


def _core(cpu: str, build: _Table) -> Core:
    cores = tomllib.loads(_CORES.read_text(encoding="utf-8"))
    if cpu not in cores:
        raise ValueError(f"cpu must be one of {', '.join(cores)}; is {cpu!r}")
    names = ("zig_cpu", "clang_target", "level", "features")
    core = Core(*(build.take(name, str, cores[cpu][name]) for name in names))
    build.end()
    return core


def _part(table: _Table) -> Part:
    name = table.take("part", str, None)
    if name is not None and not _NAME.fullmatch(name):
        raise ValueError(f"[{table.name}] part must be a name of a-z, 0-9 and _; is {name!r}")
    facts = {key: _fact(table.name, key, value) for key, value in table.keys.items()}
    return Part(table.name, name, facts)


def _fact(table: str, key: str, value: Any) -> int | str:
    """Return a macro's value: a number, or text that C takes as it is."""
    if isinstance(value, list) and all(type(item) is int for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) or (isinstance(value, int) and 0 <= value < 1 << 32):
        return value
    raise ValueError(
        f"[{table}] {key} must be a number of 32 bits, a truth value, a text or a list of numbers; "
        f"is {value!r}"
    )


def _link(table: _Table) -> Link:
    link = Link(
        frame_bytes=table.take("frame_bytes", int, 4096),
        window=table.take("window", int, 8),
        objects=table.take("objects", int, 1000),
        sectors=table.take("sectors", int, 4096),
    )
    table.end()
    return link


def _region(table: _Table) -> Region:
    region = Region(table.take("origin", int), _length(table.keys.pop("length", None)))
    table.end()
    if not 0 <= region.origin <= region.origin + region.length <= 1 << 32:
        raise ValueError(f"[{table.name}] must be within 32 bits of addresses; is {region}")
    return region


def _length(value: Any) -> int:
    """Return the bytes of a length such as 4096, "4K" or "1M".

    Raises:
        ValueError: it is none.
    """
    match = _LENGTH.fullmatch(str(value))
    if match is None:
        raise ValueError(f'a length must be bytes, or a text like "64K" or "1M"; is {value!r}')
    return int(match.group(1)) * _UNITS[match.group(2)]


def _trust(table: _Table, lockable: bool) -> Trust:
    state = table.take("state", str)
    product = table.take("product", str)
    keys = tuple(map(_key, table.take("keys", list)))
    reads = table.take("reads", bool, False)
    table.end()
    if not lockable:
        raise ValueError("[trust] needs lockable = true: another firmware has no lock")
    if state not in TRUST_STATES:
        raise ValueError(f"[trust] state must be one of {', '.join(TRUST_STATES)}; is {state!r}")
    if not _PRODUCT.fullmatch(product):
        raise ValueError(
            f"[trust] product must be 1 to 15 printable ASCII characters; is {product!r}"
        )
    if not 1 <= len(keys) <= _KEYS_MAX:
        raise ValueError(f"[trust] keys must be 1 to {_KEYS_MAX}; are {len(keys)}")
    if state in TRUST_STATES[2:] and _DEVELOPMENT_KEY in keys:
        raise ValueError("[trust] keys: everybody knows the secret of the development key")
    return Trust(TRUST_STATES.index(state), product, keys, reads)


def _key(text: Any) -> bytes:
    """Return a public key's bytes from its hex digits.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(text, str) or not _KEY.fullmatch(text) or not int(text, 16):
        raise ValueError(f"[trust] keys must be of 64 hex digits, not all 0; one is {text!r}")
    return bytes.fromhex(text)


def _emulator(table: _Table) -> Emulator:
    emulator = Emulator(
        program=table.take("program", str),
        machine=table.take("machine", str),
        memory_bytes=table.take("memory_bytes", int, None),
        arguments=tuple(map(str, table.take("arguments", list, []))),
    )
    table.end()
    return emulator
