"""A board that runs neural nets, as a Python object.

from host_sdk import Device

with Device("sim://cortex-m55") as board:
    board.load_model("coins.tflite")
    for d in board.detect("coins.png"):
        print(d.label, d.score, d.box)

The names below are imported when they are first used: `import host_sdk` costs next to nothing.
"""

import importlib
import typing

from host_sdk.errors import (
    AttestationError,
    BlobError,
    CompileError,
    ConvertError,
    CounterError,
    DeviceError,
    DeviceFaultError,
    DeviceResetError,
    DtypeError,
    HealthCheckError,
    ImageError,
    InputError,
    KeyFileError,
    LinkError,
    LockedError,
    ModelFileError,
    ModelNotFoundError,
    NoHeadError,
    NoModelError,
    NoModuleError,
    NoResponseError,
    ObjectDamagedError,
    PolicyError,
    PortBusyError,
    PortClosedError,
    PortNotFoundError,
    ProtocolError,
    ProtocolVersionError,
    PythonError,
    PythonRestartedError,
    RequestError,
    RunError,
    RunStoppedError,
    SealError,
    SealFileError,
    ShapeError,
    SignerError,
    SimulatorError,
    StepFaultError,
    StepTimeoutError,
    StoreError,
    StoreFullError,
    ToolMissingError,
    TrustError,
    UnsafeModelError,
    XipnetError,
)

__version__: str  # found when it is asked for, as the lazy names are

if typing.TYPE_CHECKING:
    from host_sdk.device import Device
    from host_sdk.fleet import Swap, Swaps, swap_bundles, swap_models
    from host_sdk.inference.mask import mask_of
    from host_sdk.inference.model import Model
    from host_sdk.inference.profile import Profile, ProfileRow
    from host_sdk.inference.results import Class, Classes, Detection, Detections
    from host_sdk.inference.tensor import TensorInfo
    from host_sdk.link.board_info import BoardInfo, BootReport, StoredObject
    from host_sdk.store.rescue import Rescue, RescuedObject
    from host_sdk.store.trial import HistoryEvent, Trial
    from host_sdk.store.upload import Uploaded
    from host_sdk.training.live_board import LiveBoard
    from host_sdk.transports import MemoryTransport, Transport
    from host_sdk.trust.attestation import Attestation
    from host_sdk.trust.policy import Trust
    from host_sdk.trust.signers import CommandSigner, KeyFileSigner, Signer
    from host_sdk.validation.report import Report
    from host_sdk.validation.trace import Trace, trace_on_host
    from host_sdk.validation.validate import validate_on_host

# The same imports again, for the program: module -> names.
_LAZY = {
    "device": ("Device",),
    "fleet": ("Swap", "Swaps", "swap_bundles", "swap_models"),
    "inference.mask": ("mask_of",),
    "inference.model": ("Model",),
    "inference.profile": ("Profile", "ProfileRow"),
    "inference.results": ("Class", "Classes", "Detection", "Detections"),
    "inference.tensor": ("TensorInfo",),
    "link.board_info": ("BoardInfo", "BootReport", "StoredObject"),
    "store.rescue": ("Rescue", "RescuedObject"),
    "store.trial": ("HistoryEvent", "Trial"),
    "store.upload": ("Uploaded",),
    "training.live_board": ("LiveBoard",),
    "transports": ("MemoryTransport", "Transport"),
    "trust.attestation": ("Attestation",),
    "trust.policy": ("Trust",),
    "trust.signers": ("CommandSigner", "KeyFileSigner", "Signer"),
    "validation.report": ("Report",),
    "validation.trace": ("Trace", "trace_on_host"),
    "validation.validate": ("validate_on_host",),
}
_MODULE_OF = {name: f"host_sdk.{module}" for module, names in _LAZY.items() for name in names}

__all__ = [
    "Attestation",
    "AttestationError",
    "BlobError",
    "BoardInfo",
    "BootReport",
    "Class",
    "Classes",
    "CommandSigner",
    "CompileError",
    "ConvertError",
    "CounterError",
    "Detection",
    "Detections",
    "Device",
    "DeviceError",
    "DeviceFaultError",
    "DeviceResetError",
    "DtypeError",
    "HealthCheckError",
    "HistoryEvent",
    "ImageError",
    "InputError",
    "KeyFileError",
    "KeyFileSigner",
    "LinkError",
    "LiveBoard",
    "LockedError",
    "MemoryTransport",
    "Model",
    "ModelFileError",
    "ModelNotFoundError",
    "NoHeadError",
    "NoModelError",
    "NoModuleError",
    "NoResponseError",
    "ObjectDamagedError",
    "PolicyError",
    "PortBusyError",
    "PortClosedError",
    "PortNotFoundError",
    "Profile",
    "ProfileRow",
    "ProtocolError",
    "ProtocolVersionError",
    "PythonError",
    "PythonRestartedError",
    "Report",
    "RequestError",
    "Rescue",
    "RescuedObject",
    "RunError",
    "RunStoppedError",
    "SealError",
    "SealFileError",
    "ShapeError",
    "Signer",
    "SignerError",
    "SimulatorError",
    "StepFaultError",
    "StepTimeoutError",
    "StoreError",
    "StoreFullError",
    "StoredObject",
    "Swap",
    "Swaps",
    "TensorInfo",
    "ToolMissingError",
    "Trace",
    "Transport",
    "Trial",
    "Trust",
    "TrustError",
    "UnsafeModelError",
    "Uploaded",
    "XipnetError",
    "mask_of",
    "swap_bundles",
    "swap_models",
    "trace_on_host",
    "validate_on_host",
]


def __getattr__(name: str) -> typing.Any:
    if name == "__version__":
        return _version()
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    return value


def _version() -> str:
    """Return the installed version, of which pyproject.toml is the only source."""
    from importlib import metadata

    try:
        return metadata.version("xipnet")
    except metadata.PackageNotFoundError:
        return "not installed"


def __dir__() -> list[str]:
    return __all__
