"""The model compiler and the blob: .tflite in, position-independent code and weights out.

    blob = compile_model("model.tflite", target="cortex-m4")
    print(report(blob).arena_bytes)
    y = run(compile_model("model.tflite", target="host"), x)

The compiler's own needs (Clang, the .tflite schema) are imported when it is first called.
"""

from __future__ import annotations

from typing import Any

from relocatable.blob.blob import Blob, is_blob
from relocatable.blob.cost import Report, report
from relocatable.blob.host import HostModel, run
from relocatable.errors import (
    BlobError,
    HeadError,
    ModelError,
    PlanError,
    RelocatableError,
    RunError,
    ToolchainError,
    UnsupportedError,
)
from relocatable.targets import TARGETS

__all__ = [
    "TARGETS",
    "Blob",
    "BlobError",
    "HeadError",
    "HostModel",
    "ModelError",
    "PlanError",
    "RelocatableError",
    "Report",
    "RunError",
    "ToolchainError",
    "UnsupportedError",
    "compile_model",
    "is_blob",
    "report",
    "run",
]


def __getattr__(name: str) -> Any:
    if name == "compile_model":
        from relocatable.compile import compile_model

        return compile_model
    raise AttributeError(f"module 'relocatable' has no attribute '{name}'")
