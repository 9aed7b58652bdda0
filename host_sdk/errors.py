"""Every error of the SDK. Catch `XipnetError` for all of them.

XipnetError
├── LinkError                   the way to the board
│   ├── PortNotFoundError       no such port, or none to choose from
│   ├── PortBusyError           another Device or program holds the port
│   │   └── FlashFileBusyError  another simulator holds the flash file
│   ├── PortClosedError         unplugged, closed, or QEMU ended
│   ├── NoResponseError         nothing came back in time
│   ├── NoModuleError           a MicroPython answers that lacks our module
│   ├── BootloaderError         a boot loader refuses, falls silent, wrote wrong bytes
│   ├── ProtocolError           what came back is not what docs/SPEC-wire.md says
│   ├── ProtocolVersionError    the board speaks another major version
│   ├── AttestationError        what a board attests is not signed by its key, or is old
│   └── DeviceResetError        the board restarted while a request was under way
│       └── DeviceFaultError    ... because of a fault; says step and address
├── InputError                  what was handed to the SDK
│   ├── ShapeError, DtypeError  an array that does not fit the model's input
│   ├── ImageError              a picture that cannot be read
│   ├── ModelFileError          a file or bytes that are not a model
│   │   └── UnsafeModelError    could run code here, or read files; `trust` takes it
│   ├── FirmwareFileError       a file that is no firmware, or not this board's
│   ├── KeyFileError            a file or text that is no key, or whose password is wrong
│   ├── BundleFileError         a pipeline.toml or a bundle that breaks a rule
│   ├── SealFileError           bytes that are no seal, or not one over these bytes
│   ├── CompileError            a .tflite that the compiler refuses
│   ├── ConvertError            a model of another tool that its converter refuses
│   └── NoHeadError             the model has no detections or classes
├── ToolMissingError            a program is not installed; says the command that installs it
├── SignerError                 the command that signs failed, or signed something else
├── SimulatorError              the virtual board cannot be started
├── HealthCheckError            a new model was found wrong; the previous one serves again
└── DeviceError                 the board answered with a code of docs/ERRORS.md
    ├── RequestError            BadFrameError, BadMessageError, MethodError, ParamsError,
    │                           BusyError, ReplyTooLongError
    ├── StoreError              ModelNotFoundError, StoreFullError, ObjectNameError,
    │                           RangeError, FlashError, UploadSessionError, UploadHashError,
    │                           ObjectTypeError, StoreUnreadableError, VersionError, OccupiedError,
    │                           ObjectDamagedError, BundleError, WeightsMissingError,
    │                           WeightsNeededError
    ├── BlobError               BlobShortError, BlobMagicError, BlobVersionError, BlobHashError,
    │                           BlobBoundsError, BlobCpuError, GoldenError, ArenaError, StackError,
    │                           BlobCodeError
    ├── RunError                NoModelError, ModelInputError, EntryError, StepError,
    │                           InputCheckError, ResultGoneError, StepFaultError,
    │                           StepTimeoutError, RunStoppedError
    ├── PythonError             the Python code on the board raised; holds its traceback
    │   └── PythonInterruptedError, PythonRestartedError
    └── TrustError              SealError, CounterError, LockedError, PolicyError
"""

from __future__ import annotations

from typing import Any, ClassVar

from host_sdk.display.plain import plain_line, plain_text


class XipnetError(Exception):
    """Root of the SDK's errors; the message says rule, value and place."""


# ---- The way to the board ------------------------------------------------------------------------


class LinkError(XipnetError):
    """The way to the board failed, or what came along it cannot be trusted."""


class PortNotFoundError(LinkError):
    """There is no such port, or not exactly one serial board to choose."""


class PortBusyError(LinkError):
    """Another `Device` or another program holds the port."""


class FlashFileBusyError(PortBusyError):
    """Another simulator holds the flash file."""


class PortClosedError(LinkError):
    """The port is gone: unplugged, closed, or the simulator ended."""


class NoResponseError(LinkError):
    """Nothing came back in time.

    Attributes:
        method: the request that got no reply.
        timeout_s: how long the host waited.
    """

    def __init__(self, message: str, method: str, timeout_s: float) -> None:
        super().__init__(message)
        self.method = method
        self.timeout_s = timeout_s


class NoModuleError(LinkError):
    """A MicroPython answers, but without the module `xipnet`.

    Attributes:
        found: its banner: version and board.
        refusal: what it said to `import xipnet; xipnet.serve()`.
    """

    def __init__(self, port: str, found: str, refusal: str) -> None:
        super().__init__(
            f"{port}: {found} has no module xipnet that serves ({refusal}); firmware with it: "
            "docs/BOARDS.md, docs/PORTING.md"
        )
        self.found = found
        self.refusal = refusal


class BootloaderError(LinkError):
    """A chip's boot loader refuses an image, falls silent, or wrote wrong bytes."""


class ProtocolError(LinkError):
    """What came back breaks a rule of docs/SPEC-wire.md, which the message names."""


class ProtocolVersionError(LinkError):
    """The board speaks another major version of the protocol.

    Attributes:
        seen: the board's (major, minor).
        supported: this SDK's (major, minor).
    """

    def __init__(self, seen: tuple[int, int], supported: tuple[int, int]) -> None:
        older = "the firmware is older: update it" if seen < supported else "update the SDK"
        super().__init__(
            f"board speaks protocol {seen[0]}.{seen[1]}, this SDK {supported[0]}.{supported[1]}: "
            + older
        )
        self.seen = seen
        self.supported = supported


class AttestationError(LinkError):
    """What a board attests is not signed by its key, or is not about this question."""


class DeviceResetError(LinkError):
    """The board restarted while a request was under way.

    Attributes:
        method: the request that was lost.
        boot: the board's report, see `host_sdk.BootReport`.
    """

    def __init__(self, message: str, method: str, boot: Any) -> None:
        super().__init__(message)
        self.method = method
        self.boot = boot


class DeviceFaultError(DeviceResetError):
    """The board restarted after a fault; the message names the step and the address."""


# ---- What was handed to the SDK ------------------------------------------------------------------


class InputError(XipnetError):
    """Something handed to the SDK does not fit."""


class ShapeError(InputError, ValueError):
    """An array of another shape than the model's input, or another number of arrays."""


class DtypeError(InputError, TypeError):
    """An array of a dtype that is neither the model's nor real values."""


class ImageError(InputError):
    """A picture that cannot be read, or an array that is not a picture."""


class ModelFileError(InputError):
    """A file or bytes that are no model, or of a format that is not taken, or damaged."""


class UnsafeModelError(ModelFileError):
    """A model's file asks for code, or for files of this computer.

    Attributes:
        place: where it does.
        rule: what must hold.
        found: what it asks for.
    """

    def __init__(self, place: str, rule: str, found: str) -> None:
        super().__init__(
            f"{place}: {rule}; found {found}. Such a file could run code on this computer. If you "
            "trust who made it: --trust, in Python trust=True"
        )
        self.place = place
        self.rule = rule
        self.found = found


class FirmwareFileError(InputError):
    """A file that is no firmware image, is damaged, or is another board's."""


class KeyFileError(InputError):
    """A file or text that is no Ed25519 key, or a password that does not open it."""


class BundleFileError(InputError):
    """The pipeline.toml or the bundle cannot be read, or breaks a rule.

    Attributes:
        byte: offset of the field of a bundle that breaks it; None: it is about a file.
    """

    def __init__(self, message: str, byte: int | None = None) -> None:
        super().__init__(message)
        self.byte = byte


class SealFileError(InputError):
    """Bytes that are no seal, or a seal that is not for these bytes, name and key."""


class CompileError(InputError):
    """A .tflite that the compiler refuses; the cause is the compiler's own error."""


class ConvertError(InputError):
    """A model of another tool that its converter refuses; the message holds its words."""


class NoHeadError(InputError):
    """The model gives only tensors: it was compiled without the head asked for."""


class ToolMissingError(XipnetError):
    """A program is not installed.

    Attributes:
        tool: its name.
        install: the command that installs it.
    """

    def __init__(self, tool: str, install: str) -> None:
        super().__init__(f"{tool} is not installed; install it with: {install}")
        self.tool = tool
        self.install = install


class SignerError(XipnetError):
    """A command that signs failed, took too long, or gave no signature by its key."""


class SimulatorError(XipnetError):
    """The virtual board cannot be started: its firmware or its flash file; says why."""


class HealthCheckError(XipnetError):
    """A new model was found wrong while on trial; the cause is what the check raised.

    Attributes:
        name: of the model.
        version: the one that was found wrong.
    """

    def __init__(self, message: str, name: str, version: int) -> None:
        super().__init__(message)
        self.name = name
        self.version = version


# ---- What the board answered ---------------------------------------------------------------------


class DeviceError(XipnetError):
    """The board refused a request.

    Attributes:
        code: number in docs/ERRORS.md.
        message: the board's sentence.
        detail: more of it (a traceback), or None.
        method: the request, with the name it was given: "rm('coins')".
    """

    codes: ClassVar[dict[int, type[DeviceError]]] = {}
    code: int = 0

    def __init__(
        self, message: str, *, method: str = "", code: int | None = None, detail: str | None = None
    ) -> None:
        self.code = type(self).code if code is None else code
        self.message = message
        self.detail = detail
        self.method = method
        super().__init__(self._text())

    def _text(self) -> str:
        place = f"{self.method}: " if self.method else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{place}{self.message}{detail} [{self.code}]"

    def __init_subclass__(cls, *, code: int = 0) -> None:
        super().__init_subclass__()
        if code:
            cls.code = code
            DeviceError.codes[code] = cls


def device_error(code: int, message: str, detail: str | None, method: str) -> DeviceError:
    """Make the error of a code; a plain `DeviceError` if this SDK does not know it.

    The board's words become such as a terminal can show.
    """
    kind = DeviceError.codes.get(code, DeviceError)
    more = None if detail is None else plain_text(detail)
    return kind(plain_line(message), method=method, code=code, detail=more)


class RequestError(DeviceError):
    """The board could not take or answer the request."""


class BadFrameError(RequestError, code=-1):
    """The frame is malformed, too long or fails its CRC."""


class BadMessageError(RequestError, code=-2):
    """The message is not the msgpack that its place asks for."""


class MethodError(RequestError, code=-3):
    """The board has no such method."""


class ParamsError(RequestError, code=-4):
    """The parameters have a wrong number, type or range."""


class BusyError(RequestError, code=-5):
    """The service is at work on another request."""


class ReplyTooLongError(RequestError, code=-6):
    """The reply does not fit a frame."""


class StoreError(DeviceError):
    """The store in the board's flash refused."""


class ModelNotFoundError(StoreError, code=-20):
    """The store has no object of that name."""


class StoreFullError(StoreError, code=-21):
    """No free run of sectors is long enough; delete an object first."""


class ObjectNameError(StoreError, code=-22):
    """The name is empty, too long or not printable."""


class RangeError(StoreError, code=-23):
    """The offset or length is outside of the object."""


class FlashError(StoreError, code=-24):
    """The flash failed to erase or to program."""


class UploadSessionError(StoreError, code=-25):
    """There is no such upload session, or another replaced it."""


class UploadHashError(StoreError, code=-26):
    """The SHA-256 of the bytes in flash is not the stated one."""


class ObjectTypeError(StoreError, code=-27):
    """The object is of another type."""


class StoreUnreadableError(StoreError, code=-28):
    """The store was made by another format, or is not formatted."""


class VersionError(StoreError, code=-29):
    """There is no such version: nothing to return to, or the model is not on trial."""


class OccupiedError(StoreError, code=-30):
    """Other bytes are there already: a piece was sent twice, and differently."""


class ObjectDamagedError(StoreError, code=-31):
    """The object's bytes in flash are not those that were stored; it is named."""


class BundleError(StoreError, code=-32):
    """The bundle breaks a rule of its format; the byte at which it does is named."""


class WeightsMissingError(StoreError, code=-33):
    """Weights that the model needs are not in the store; their SHA-256 is named."""

    def _text(self) -> str:
        return f"{super()._text()}; send them: `xipnet put NAME.weights.bin`"


class WeightsNeededError(StoreError, code=-34):
    """A model of the store needs these weights; it is named."""


class BlobError(DeviceError):
    """The board's loader refused the blob."""


class BlobShortError(BlobError, code=-40):
    """The blob is shorter than its header says."""


class BlobMagicError(BlobError, code=-41):
    """The object is not a blob."""


class BlobVersionError(BlobError, code=-42):
    """The blob's format is newer than the firmware reads."""


class BlobHashError(BlobError, code=-43):
    """The blob's SHA-256 is wrong."""


class BlobBoundsError(BlobError, code=-44):
    """An offset or size in the blob points outside, or is misaligned."""


class BlobCpuError(BlobError, code=-45):
    """The blob holds no code for this CPU."""


class GoldenError(BlobError, code=-46):
    """The golden vector gave wrong outputs; the previous model stays active."""


class ArenaError(BlobError, code=-47):
    """The arena does not fit the board's free RAM."""


class StackError(BlobError, code=-48):
    """A step needs more stack than there is."""


class BlobCodeError(BlobError, code=-49):
    """The blob's code holds an instruction or a branch that no kernel has."""


class RunError(DeviceError):
    """The runner refused."""


class NoModelError(RunError, code=-60):
    """No model is active."""


class ModelInputError(RunError, code=-61):
    """The input has a wrong index or size."""


class EntryError(RunError, code=-62):
    """The model has no such entry."""


class StepError(RunError, code=-63):
    """A step reported that it cannot go on."""


class InputCheckError(RunError, code=-64):
    """The inputs on the board are not the host's; calling again writes them."""


class ResultGoneError(RunError, code=-65):
    """Before a large result was read to its end, another model or run took its place."""


class StepFaultError(RunError, code=-66):
    """A step of the model faulted; the message names it. The board goes on."""


class StepTimeoutError(RunError, code=-67):
    """A step of the model, or a whole run, took too long. The board goes on."""


class RunStoppedError(RunError, code=-68):
    """An interrupt, or another host's session, ended the run."""


class PythonError(DeviceError, code=-80):
    """The Python code on the board raised; `detail` is the device's traceback.

    Attributes:
        output: what the code printed before it raised.
    """

    output: str = ""

    @property
    def traceback(self) -> str:
        """The device's traceback, "" if it sent none."""
        return self.detail or ""

    def _text(self) -> str:
        return f"Python on the board: {(self.traceback or self.message).strip()}"


class PythonInterruptedError(PythonError, code=-81):
    """The Python code on the board was interrupted."""


class PythonRestartedError(PythonError, code=-82):
    """Python on the board was given up and started again: its variables are gone.

    One builtin ran for more than 0.5 s while another request waited, or an interrupt had no effect.
    """


class TrustError(DeviceError):
    """A lockable board refused: docs/SPEC-trust.md."""


class SealError(TrustError, code=-90):
    """A seal is missing, or is not one for this object on this board."""


class CounterError(TrustError, code=-91):
    """The security counter of an object is below the board's floor."""


class LockedError(TrustError, code=-92):
    """A locked board does not do that until an order has unlocked it."""


class PolicyError(TrustError, code=-93):
    """A policy, an order or a device key was refused."""
