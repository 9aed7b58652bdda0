"""The model compiler: .tflite in, a blob of code and weights out.

    blob = compile_model("model.tflite", target="cortex-m4")
    print(report(blob).arena_bytes)
    y = run(compile_model("model.tflite", target="host"), x)

The names below are imported when they are first used, the compiler's own needs (Clang, the .tflite
schema) when it is first called.
"""

import importlib
import typing

from relocatable.errors import (
    BlobError,
    HeadError,
    ModelError,
    OperatorError,
    PlanError,
    RelocatableError,
    RunError,
    ToolchainError,
    UnsupportedError,
    WeightsError,
)

if typing.TYPE_CHECKING:
    from relocatable.blob.blob import Blob, is_blob
    from relocatable.blob.cost import Report, report
    from relocatable.blob.host import HostModel, run
    from relocatable.blob.separate import Separated, join_weights, separate_weights
    from relocatable.compile import compile_model, guess_head
    from relocatable.targets import TARGETS

# The same imports again, for the program: module -> names.
_LAZY = {
    "blob.blob": ("Blob", "is_blob"),
    "blob.cost": ("Report", "report"),
    "blob.host": ("HostModel", "run"),
    "blob.separate": ("Separated", "join_weights", "separate_weights"),
    "compile": ("compile_model", "guess_head"),
    "targets": ("TARGETS",),
}
_MODULE_OF = {name: f"relocatable.{module}" for module, names in _LAZY.items() for name in names}

__all__ = [
    "TARGETS",
    "Blob",
    "BlobError",
    "HeadError",
    "HostModel",
    "ModelError",
    "OperatorError",
    "PlanError",
    "RelocatableError",
    "Report",
    "RunError",
    "Separated",
    "ToolchainError",
    "UnsupportedError",
    "WeightsError",
    "compile_model",
    "guess_head",
    "is_blob",
    "join_weights",
    "report",
    "run",
    "separate_weights",
]


def __getattr__(name: str) -> typing.Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
