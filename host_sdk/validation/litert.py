"""LiteRT's reference kernels, which say what a model should compute."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.display.table import short_name
from host_sdk.errors import InputError, ModelFileError
from host_sdk.inference.model_source import FileSource, is_tflite, read_model_file
from host_sdk.inference.tensor import Array
from host_sdk.validation import litert_child
from relocatable.errors import RelocatableError

NO_TFLITE = "no .tflite is known of this model"
NOT_WANTED = "not asked for"
NOT_INSTALLED = "LiteRT is not installed: pip install 'xipnet[compile]'"


@dataclass(frozen=True)
class ReferenceTensor:
    """A tensor that an operator computes.

    Attributes:
        name: as in the .tflite, up to the first ';'.
        values: of the tensor's dtype.
    """

    name: str
    values: Array


class Reference:
    """A .tflite in LiteRT's reference kernels, which run in a process of their own.

    Args:
        tflite: the file's bytes.
        keep_all: keep every tensor, for `tensors`.
        seconds: that a request may take; then the process is ended.
        fast: by LiteRT's fast kernels, which may differ from the others in a last bit.

    Raises:
        ImportError: LiteRT is not installed.
        ModelFileError: LiteRT cannot run the model, or its process ended.
    """

    def __init__(
        self, tflite: bytes, keep_all: bool = False, seconds: float = 600.0, fast: bool = False
    ) -> None:
        if importlib.util.find_spec("ai_edge_litert") is None:
            raise ImportError(NOT_INSTALLED)
        self._kinds = {"keep_all": keep_all, "fast": fast}
        self._seconds = seconds
        self._child = subprocess.Popen(
            [sys.executable, "-P", litert_child.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._end = weakref.finalize(self, _end, self._child)
        try:
            self.open(tflite)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._end()

    def open(self, tflite: bytes) -> None:
        """Go on with another model.

        Raises:
            ModelFileError: LiteRT cannot run the model, or its process ended.
        """
        self._tflite = tflite
        self._ask({"do": "open", **self._kinds}, [np.frombuffer(tflite, np.uint8)])

    def reset_state(self) -> None:
        """Forget what the model kept from run to run.

        Raises:
            ModelFileError: LiteRT cannot run the model, or its process ended.
        """
        self._ask({"do": "reset"}, [])

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run the model; give the outputs, in their dtypes.

        Raises:
            ModelFileError: LiteRT cannot run the model, or its process ended.
        """
        return self._ask({"do": "run"}, list(inputs))[1]

    def tensors(self, inputs: Sequence[Array]) -> list[ReferenceTensor]:
        """Run the model; give every tensor that an operator computes, in their order."""
        from relocatable.read_tflite import read_tflite

        self.run(inputs)
        graph = read_tflite(self._tflite, "reference")
        # A state is one place to LiteRT; what only says that it changes has no tensor there.
        place = {state.last: state.first for state in graph.states}
        computing = [op for op in graph.ops if op.kind != "ASSIGN_VARIABLE"]
        wanted = [place.get(i, i) for op in computing for i in op.outputs]
        head, values = self._ask({"do": "tensors", "wanted": wanted}, [])
        names = [short_name(graph.tensors[i].name) for i in head["found"]]
        return [ReferenceTensor(*pair) for pair in zip(names, values, strict=True)]

    def _ask(self, head: dict[str, Any], arrays: list[Array]) -> tuple[dict[str, Any], list[Array]]:
        """Send a request and wait for its reply."""
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(self._seconds, child.kill)
        timer.daemon = True
        timer.start()
        try:
            litert_child.write_message(child.stdin, head, arrays)
            reply, values = litert_child.read_message(child.stdout)
        except (EOFError, OSError, ValueError) as error:
            raise ModelFileError(self._fate(not timer.is_alive())) from error
        finally:
            timer.cancel()
        if "error" in reply:
            raise ModelFileError(f"LiteRT's reference cannot run the model: {reply['error']}")
        return reply, values

    def _fate(self, was_slow: bool) -> str:
        """Say why there is no reply."""
        if was_slow:
            return f"LiteRT's reference must answer within {self._seconds:g} s; did not"
        try:
            status = self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "LiteRT's reference must answer in whole messages; did not"
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return f"LiteRT's reference must run the model; its process ended ({how})"


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def open_reference(
    wanted: str | None, tflite: FileSource | None, keep_all: bool = False
) -> tuple[Reference | None, str]:
    """Open the reference; give None and the reason if there is none.

    Args:
        wanted: "litert", or "none" or None.
        tflite: the model's file or bytes, if known.
        keep_all: see `Reference`.

    Raises:
        InputError: another reference is wanted.
        ModelFileError: the file cannot be read or is no .tflite.
    """
    if wanted not in ("litert", "none", None):
        raise InputError(f"reference must be 'litert' or 'none'; is {wanted!r}")
    if wanted != "litert":
        return None, NOT_WANTED
    if tflite is None:
        return None, NO_TFLITE
    data = read_model_file(tflite)[1]
    if not is_tflite(data):
        place = "the given data" if isinstance(tflite, bytes) else str(Path(tflite))
        raise ModelFileError(f"the reference must be a .tflite; {place} is none")
    try:
        return Reference(data, keep_all), ""
    except ImportError:
        return None, NOT_INSTALLED
    except (ModelFileError, RelocatableError) as error:
        return None, str(error)


def differs(actual: Array, expected: Array) -> bool:
    """Return whether a tensor differs from the reference's.

    Integers differ by one bit, floats by more than 1e-5 of the reference's largest magnitude.
    """
    if expected.dtype.kind != "f":
        return not np.array_equal(actual, expected)
    finite = expected[np.isfinite(expected)]
    room = 1e-5 * float(np.abs(finite).max()) if finite.size else 0.0
    return not np.allclose(actual, expected, rtol=0.0, atol=room, equal_nan=True)
