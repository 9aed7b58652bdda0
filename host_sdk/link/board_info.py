"""A board as it describes itself: the results of `hello`, `ls` and `boot`."""

from __future__ import annotations

from dataclasses import dataclass

from host_sdk.link.framing import MAX_BODY_BYTES
from host_sdk.link.values import Value
from host_sdk.link.wire_map import WireMap

LEAST_FRAME_BYTES = 1024  # what every board takes
MOST_FLASH_BYTES = 1 << 28  # the largest NOR flash of a microcontroller: what is kept and asked
MOST_ARENA_BYTES = 1 << 28  # is bounded by these
_MOST_WINDOW = 256
PACKING_VERSION = 1  # of inputs: docs/SPEC-wire.md, section 8

_CAUSES = {0: "power-on", 1: "reset", 2: "fault", 3: "deadline"}
_FAULT = 2
_DEADLINE = 3
_NO_ADDRESS = 0xFFFFFFFF
_SAFE = {1: "a break", 2: "crashes at start", 3: "request", 4: "a restart of Python"}
_DAMAGED = {1: False, 2: True}
TRUST_STATES = ("open", "warn", "locked", "counted")  # docs/SPEC-trust.md, section 1
OBJECT_TYPES = {1: "blob", 2: "script", 3: "data", 4: "weights", 6: "bundle"}


@dataclass(frozen=True)
class BootReport:
    """The reason of the board's last start.

    Attributes:
        cause: "power-on", "reset", "fault" or "deadline" (a step did not return in time).
        resets: resets since power-on, faults included.
        fault_step: step of the model that ran when the fault came; None if none did.
        pc: program counter of the last fault.
        address: address that the fault is about; None if the CPU did not note it.
        cfsr: Cortex-M Configurable Fault Status Register.
        hfsr: Cortex-M HardFault Status Register.
    """

    cause: str
    resets: int
    fault_step: int | None
    pc: int
    address: int | None
    cfsr: int
    hfsr: int

    @staticmethod
    def read(value: Value) -> BootReport:
        """Read the map that the wire carries."""
        fields = WireMap(value, "boot")
        cause, address = fields.count("cause"), fields.count("address")
        step = fields.integer("fault_step")
        return BootReport(
            cause=_CAUSES.get(cause, f"cause {cause}"),
            resets=fields.count("resets"),
            fault_step=step if step >= 0 else None,
            pc=fields.count("pc"),
            address=None if address == _NO_ADDRESS else address,
            cfsr=fields.count("cfsr"),
            hfsr=fields.count("hfsr"),
        )

    @property
    def is_fault(self) -> bool:
        """True if a fault, or a step over its time, made the board restart."""
        return self.cause in (_CAUSES[_FAULT], _CAUSES[_DEADLINE])

    def __str__(self) -> str:
        if not self.is_fault:
            return self.cause
        where = "outside of a model" if self.fault_step is None else f"in step {self.fault_step}"
        if self.cause == _CAUSES[_DEADLINE]:
            return f"time ran out {where} at pc 0x{self.pc:08x}"
        at = "" if self.address is None else f", address 0x{self.address:08x}"
        registers = f"CFSR 0x{self.cfsr:08x}, HFSR 0x{self.hfsr:08x}"
        return f"fault {where} at pc 0x{self.pc:08x}{at} ({registers})"


@dataclass(frozen=True)
class LogHealth:
    """What the flash has done to the store's log: docs/SPEC-store.md, section 2.

    Attributes:
        lost: records that cannot be read any more, since the store was formatted.
        unclear: 1 if the last record is not whole: power was cut, or it is damaged.
        mended: records that are read though a bit of them is wrong.
        formats: FORMAT records, of two, that are not whole.
    """

    lost: int = 0
    unclear: int = 0
    mended: int = 0
    formats: int = 0

    @staticmethod
    def read(fields: WireMap) -> LogHealth:
        """Read what `hello` says; firmware of an older store says nothing."""
        if "log" not in fields:
            return LogHealth()
        log = fields.map("log")
        keys = ("lost", "unclear", "mended", "formats")
        return LogHealth(*(log.integer(key) for key in keys))


@dataclass(frozen=True)
class BoardInfo:
    """A board, its firmware and its limits.

    Attributes:
        protocol: (major, minor) of the wire.
        firmware: version.
        micropython: version; empty: the firmware is without it.
        board: name, such as "mps3_an547".
        cpu: the compiler's target name, such as "cortex-m55".
        family: CPU family of blobs that it runs.
        level: architecture level within the family.
        features: CPU features, as bits of xn_blob.h.
        frame_bytes: longest body of a frame.
        window: requests that may be under way.
        flash_bytes: size of the store.
        sector_bytes: unit in which an object takes flash.
        free_bytes: what was free when the session was opened.
        arena_bytes: RAM for models.
        stack_bytes: stack that a step may use.
        boot: why the board started last.
        safe: what brought it into safe mode, in which no script runs by itself; None: it is not.
        methods: what the wire offers.
        pack: version of the packing of inputs that it understands; 0: none.
        troubles: what is wrong with its store and its active model, in sentences.
        log: what the flash has done to the store's log.
        python_restarts: how often Python was given up since the board's start, because a builtin
            kept a request waiting, an interrupt had no effect, or the board was locked.
        trust: state of its policy, "open", "warn", "locked" or "counted"; None: the firmware is of
            the open build, which looks at no seals (docs/SPEC-trust.md).
        unlocked: an order has unlocked it until its next start.
        hz: what its core runs at; 0: the firmware does not say.
    """

    protocol: tuple[int, int]
    firmware: str
    micropython: str
    board: str
    cpu: str
    family: int
    level: int
    features: int
    frame_bytes: int
    window: int
    flash_bytes: int
    sector_bytes: int
    free_bytes: int
    arena_bytes: int
    stack_bytes: int
    boot: BootReport
    safe: str | None
    methods: tuple[str, ...]
    pack: int = 0
    troubles: tuple[str, ...] = ()
    log: LogHealth = LogHealth()
    python_restarts: int = 0
    trust: str | None = None
    unlocked: bool = False
    hz: int = 0

    @property
    def can_pack(self) -> bool:
        """Whether inputs may be packed (`inference/input_codec.py`)."""
        return self.pack == PACKING_VERSION

    @property
    def python(self) -> str:
        """What of Python the firmware has, in words."""
        return f"MicroPython {self.micropython}" if self.micropython else "without MicroPython"

    @property
    def is_locked(self) -> bool:
        """Whether it is locked, and no order has unlocked it since its start."""
        return self.trust is not None and locks(self.trust) and not self.unlocked

    @property
    def can_check(self) -> bool:
        """Whether `run` takes the CRC-32 of its inputs: it came with packing."""
        return self.pack > 0

    @staticmethod
    def read(value: Value) -> BoardInfo:
        """Read the result of `hello`, of the supported major version."""
        fields = WireMap(value, "hello")
        flash = fields.map("flash")
        return BoardInfo(
            protocol=read_protocol(value),
            firmware=fields.text("firmware"),
            micropython=fields.text("micropython"),
            board=fields.text("board"),
            cpu=fields.text("cpu"),
            family=fields.count("family"),
            level=fields.count("level"),
            features=fields.count("features"),
            frame_bytes=_frame_bytes(fields),
            window=min(fields.count("window"), _MOST_WINDOW),
            flash_bytes=flash.count("size", MOST_FLASH_BYTES),
            sector_bytes=_sector_bytes(flash),
            free_bytes=flash.count("free", MOST_FLASH_BYTES),
            arena_bytes=fields.count("arena", MOST_ARENA_BYTES),
            stack_bytes=fields.count("stack"),
            boot=BootReport.read(fields.value("boot")),
            safe=safe_reason(fields.count("safe")) if "safe" in fields else None,
            methods=fields.texts("methods"),
            pack=fields.count("pack") if "pack" in fields else 0,
            troubles=_read_troubles(fields),
            log=LogHealth.read(fields),
            python_restarts=fields.map("vm").count("restarts") if "vm" in fields else 0,
            trust=state_name(fields.count("trust")) if "trust" in fields else None,
            unlocked="unlocked" in fields and fields.flag("unlocked"),
            hz=fields.count("hz") if "hz" in fields else 0,
        )


def locks(state: str) -> bool:
    """Whether a board of that state is locked until an order unlocks it."""
    return state not in TRUST_STATES[:2]


def state_name(state: int) -> str:
    """Return the name of a policy's state."""
    return TRUST_STATES[state] if state < len(TRUST_STATES) else f"state {state}"


def _read_troubles(fields: WireMap) -> tuple[str, ...]:
    said = fields.texts("troubles") if "troubles" in fields else ()
    lost = LogHealth.read(fields).lost
    if lost == 0:
        return said
    return (
        *said,
        f"{lost} records of the store's log are damaged: objects may be missing, or be earlier "
        "versions; `xipnet rescue` copies out what is whole",
    )


def safe_reason(number: int) -> str | None:
    """Return in words why a board is in safe mode; None: it is not."""
    return _SAFE.get(number, f"reason {number}") if number else None


def _frame_bytes(fields: WireMap) -> int:
    frame_bytes = fields.count("frame")
    if frame_bytes < LEAST_FRAME_BYTES:
        raise fields.wrong("frame", f"at least {LEAST_FRAME_BYTES}")
    return min(frame_bytes, MAX_BODY_BYTES)


def _sector_bytes(flash: WireMap) -> int:
    sector_bytes = flash.count("sector", MOST_FLASH_BYTES)
    if sector_bytes == 0 and flash.count("size", MOST_FLASH_BYTES) > 0:
        raise flash.wrong("sector", "at least 1 byte")
    return sector_bytes


def read_protocol(value: Value) -> tuple[int, int]:
    """Return (major, minor) of a result of `hello` of any version."""
    fields = WireMap(value, "hello")
    match fields.counts("protocol", 0xFFFF):
        case (major, minor):
            return major, minor
        case _:
            raise fields.wrong("protocol", "[major, minor]")


@dataclass(frozen=True)
class StoredMember:
    """Something in a bundle.

    Attributes:
        name: in the bundle; the board calls it by the bundle's name, "/" and this one.
        type: "blob", "script" or "data".
        size_bytes: of its contents.
        sha256: of its contents.
    """

    name: str
    type: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class StoredObject:
    """Something in the board's store.

    Attributes:
        name: unique in the store.
        type: "blob", "script", "data", "weights" or "bundle".
        size_bytes: of its contents.
        sha256: of its contents.
        version: counts the uploads of that name.
        active: True for the active model.
        damaged: True if its bytes in flash are not those that were stored, False if they are; None
            if the board has not compared them since it started.
        sealed: True if it is stored with a seal; None: the board looks at none.
        counter: security counter of its seal; 0 if there is none.
        members: of a bundle, if the host may read it.
        needs: SHA-256 of the weights that a blob needs beside itself; of a blob for several CPUs,
            those of each: the board's own is one of them.
        waits: none of those is in the store: the blob cannot be active.
        needed_by: of weights, names of the current blobs that need them.
    """

    name: str
    type: str
    size_bytes: int
    sha256: bytes
    version: int
    active: bool
    damaged: bool | None = None
    sealed: bool | None = None
    counter: int = 0
    members: tuple[StoredMember, ...] = ()
    needs: tuple[bytes, ...] = ()
    waits: bool = False
    needed_by: tuple[str, ...] = ()

    @staticmethod
    def read(fields: WireMap) -> StoredObject:
        """Read one item of `ls`."""
        number = fields.count("type")
        return StoredObject(
            name=fields.text("name"),
            type=OBJECT_TYPES.get(number, f"type {number}"),
            size_bytes=fields.count("size", MOST_FLASH_BYTES),
            sha256=fields.digest("sha256"),
            version=fields.count("version"),
            active=fields.flag("active"),
            damaged=_DAMAGED.get(fields.count("health")) if "health" in fields else None,
            sealed=fields.flag("sealed") if "sealed" in fields else None,
            counter=fields.count("counter") if "counter" in fields else 0,
            needs=fields.digests("needs") if "needs" in fields else (),
        )
