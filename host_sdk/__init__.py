"""A board that runs neural nets, as a Python object.

from host_sdk import Device

with Device("sim://cortex-m55") as board:
    board.load_model("coins.tflite")
    for d in board.detect("coins.png"):
        print(d.label, d.score, d.box)
"""

from host_sdk.device import Device
from host_sdk.errors import (
    BlobError,
    CompileError,
    DeviceError,
    DeviceFaultError,
    DeviceResetError,
    DtypeError,
    HealthCheckError,
    ImageError,
    InputError,
    LinkError,
    ModelFileError,
    ModelNotFoundError,
    NoHeadError,
    NoModelError,
    NoResponseError,
    PortBusyError,
    PortClosedError,
    PortNotFoundError,
    ProtocolError,
    ProtocolVersionError,
    PythonError,
    RequestError,
    RunError,
    ShapeError,
    SimulatorError,
    StepFaultError,
    StepTimeoutError,
    StoreError,
    StoreFullError,
    ToolMissingError,
    XipnetError,
)
from host_sdk.fleet import Swap, Swaps, swap_models
from host_sdk.inference.model import Model
from host_sdk.inference.profile import Profile, ProfileRow
from host_sdk.inference.results import Class, Classes, Detection, Detections
from host_sdk.inference.tensor import TensorInfo
from host_sdk.link.board_info import BoardInfo, BootReport, StoredObject
from host_sdk.store.trial import HistoryEvent, Trial
from host_sdk.store.upload import Uploaded
from host_sdk.transports import MemoryTransport, Transport
from host_sdk.validation.on_host import trace_on_host, validate_on_host
from host_sdk.validation.report import Report
from host_sdk.validation.trace import Trace

__all__ = [
    "BlobError",
    "BoardInfo",
    "BootReport",
    "Class",
    "Classes",
    "CompileError",
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
    "LinkError",
    "MemoryTransport",
    "Model",
    "ModelFileError",
    "ModelNotFoundError",
    "NoHeadError",
    "NoModelError",
    "NoResponseError",
    "PortBusyError",
    "PortClosedError",
    "PortNotFoundError",
    "Profile",
    "ProfileRow",
    "ProtocolError",
    "ProtocolVersionError",
    "PythonError",
    "Report",
    "RequestError",
    "RunError",
    "ShapeError",
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
    "Uploaded",
    "XipnetError",
    "swap_models",
    "trace_on_host",
    "validate_on_host",
]
