"""Run a blob in this process: the board's program at native speed.

y = relocatable.run(blob, x)            # one input, one output
with HostModel(blob) as model: ...      # many runs, heads, single steps
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.blob.blob import ARENA_ALIGN, SECTION_ALIGN, Blob, Variant
from relocatable.blob.metadata import check_metadata, result_record
from relocatable.blob.ports import Outputs, in_order
from relocatable.blob.separate import with_weights
from relocatable.errors import BlobError, RunError
from relocatable.targets import host_family

_STEP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)

Array = npt.NDArray[Any]


class _Context(ctypes.Structure):
    """xn_ctx of xn_blob.h."""

    _fields_ = [("arena", ctypes.c_void_p), ("weights", ctypes.c_void_p)]


class HostModel:
    """A blob loaded into this process.

    Args:
        data: a blob with a variant for this machine (target "host").
        weights: the objects that it needs beside itself (`separate_weights`).

    Attributes:
        blob: what was loaded.
        variant: its program for this machine.

    Raises:
        BlobError: the blob is damaged, or holds no code for this machine.
        WeightsError: an object that its program needs is missing.
    """

    def __init__(self, data: bytes, weights: Iterable[bytes] = ()) -> None:
        self.blob = Blob.unpack(data)
        own = replace(self.blob, variants=(_pick_variant(self.blob),))
        [self.variant] = with_weights(own, weights).variants
        self._arena = _aligned(self.variant.arena_bytes, ARENA_ALIGN)
        self._weights = _aligned(len(self.variant.weights), SECTION_ALIGN)
        self._weights[:] = np.frombuffer(self.variant.weights, np.uint8)
        self._code, self._steps = _map_code(self.variant)
        self._context = _Context(self._arena.ctypes.data, self._weights.ctypes.data)
        self._is_reset = False

    def __enter__(self) -> HostModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        return check_metadata(self.blob)

    def close(self) -> None:
        """Unmap the code; the model can no longer run."""
        self._steps = []
        self._code.close()

    def write_inputs(self, inputs: Sequence[Array] | Mapping[str, Array]) -> None:
        """Put the inputs, by position or by name, into the arena.

        Args:
            inputs: of their tensors' shapes and dtypes.

        Raises:
            RunError: the number of inputs, a name, a dtype or a shape is not the model's.
        """
        expected = self.blob.inputs
        inputs = in_order(inputs, [info["name"] for info in self._metadata["inputs"]])
        if len(inputs) != len(expected):
            raise RunError(f"model must get {len(expected)} inputs; got {len(inputs)}")
        for i, (io, x) in enumerate(zip(expected, inputs, strict=True)):
            info = self._metadata["inputs"][i]
            if str(x.dtype) != info["dtype"] or list(x.shape) != info["shape"]:
                raise RunError(
                    f"input {i} '{info['name']}' must be {info['dtype']} {info['shape']}; "
                    f"is {x.dtype} {list(x.shape)}"
                )
            raw = np.ascontiguousarray(x).reshape(-1).view(np.uint8)
            self._arena[io.arena_offset : io.arena_offset + io.size_bytes] = raw

    def reset_state(self) -> None:
        """Forget what the program kept from run to run (SPEC-blob section 6)."""
        self._is_reset = False

    def run(self, entry: int = 0, after_step: Callable[[int], None] | None = None) -> None:
        """Run an entry on the inputs in the arena.

        Args:
            entry: index into the blob's entries.
            after_step: called after each step with its index.

        Raises:
            RunError: no such entry, a step returned an error, or the model is closed.
        """
        if not 0 <= entry < len(self.blob.entries):
            raise RunError(f"entry must be in [0, {len(self.blob.entries)}); is {entry}")
        if not self._steps:
            raise RunError("model must be open; is closed")
        e = self.blob.entries[entry]
        if not self._is_reset:
            self._set_state()
        for i in (*range(e.network_steps), *range(e.head_step, e.head_step + e.head_steps)):
            self._call(i)
            if after_step is not None:
                after_step(i)

    def _set_state(self) -> None:
        state = self.blob.state
        if state is not None:
            self._arena[state.arena_offset : state.arena_offset + state.size_bytes] = 0
            for i in range(state.reset_step, state.reset_step + state.reset_steps):
                self._call(i)
        self._is_reset = True

    def _call(self, step: int) -> None:
        status = self._steps[step](ctypes.addressof(self._context))
        if status != 0:
            raise RunError(f"step {step} must return 0; returned {status}")

    def tensor(self, index: int) -> Array:
        """Copy a tensor of the metadata's list, as it stands in the arena now."""
        info = self._metadata["tensors"][index]
        shape, dtype = info["shape"], np.dtype(info["dtype"])
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        raw = self._arena[info["offset"] : info["offset"] + size]
        return np.frombuffer(raw.tobytes(), dtype).reshape(shape)

    def outputs(self) -> Outputs:
        """Copy the outputs of the last run."""
        ports = self._metadata["outputs"]
        return Outputs((self.tensor(port["tensor"]) for port in ports), (p["name"] for p in ports))

    def result(self, entry: int) -> bytes:
        """Copy an entry's result after its run; `items` reads it."""
        e = self.blob.entries[entry]
        return self._arena[e.result_offset : e.result_offset + e.result_bytes].tobytes()

    def items(self, entry: int) -> list[tuple[Any, ...]]:
        """Read an entry's result after its run; points are 0..1 of the input.

        Returns:
            A named tuple for each item.

        Raises:
            RunError: the blob does not say how the result is read.
        """
        numbers = [e.result for e in self.blob.entries]
        record = result_record(self._metadata, numbers, entry)
        if record is None:
            raise RunError(f"entry {entry} must have a head whose result is described; has none")
        labels = dict(enumerate(self._metadata.get("labels", [])))
        return record.read_items(self.result(entry), lambda index: labels.get(index, str(index)))


def run(data: bytes, x: Array | Sequence[Array] | Mapping[str, Array]) -> Array | Outputs:
    """Run a blob once in this process.

    Args:
        data: a blob with a variant for this machine (target "host").
        x: the input, in its tensor's shape and dtype; of several a sequence, or a mapping by name.

    Returns:
        The output in its tensor's shape and dtype; of several a tuple, from which a name takes one
        out, too.

    Raises:
        BlobError: the blob is damaged, or holds no code for this machine.
        RunError: an input does not fit, or a step failed.
    """
    with HostModel(data) as model:
        model.write_inputs([x] if isinstance(x, np.ndarray) else x)
        model.run()
        outputs = model.outputs()
    return outputs[0] if len(outputs) == 1 else outputs


def _pick_variant(blob: Blob) -> Variant:
    family = host_family()
    for variant in blob.variants:
        if (variant.family, variant.level, variant.features) == (family, 0, 0):
            return variant  # a family of computers has neither levels nor features
    seen = sorted({(v.family, v.level, v.features) for v in blob.variants})
    raise BlobError(
        f"blob must hold code for this machine (family {family}, level 0, features 0); "
        f"holds {seen}. "
        "Compile it with target 'host'"
    )


def _aligned(size: int, align: int) -> npt.NDArray[np.uint8]:
    raw = np.zeros(size + align, np.uint8)
    start = -raw.ctypes.data % align
    return raw[start : start + size]


def _map_code(variant: Variant) -> tuple[mmap.mmap, list[Callable[[int], int]]]:
    if sys.platform == "win32":
        raise RunError("a blob can run in-process on Linux and macOS; this is Windows")
    code = mmap.mmap(-1, len(variant.code), prot=mmap.PROT_READ | mmap.PROT_WRITE)
    code.write(variant.code)
    pin = ctypes.c_char.from_buffer(code)
    base = ctypes.addressof(pin)
    del pin  # the mapping must not be pinned when it is closed
    try:
        _make_executable(base, len(variant.code))
    except BaseException:
        code.close()
        raise
    return code, [_STEP(base + offset) for offset in variant.steps]


def _make_executable(base: int, size: int) -> None:
    """Make mapped code executable, and no longer writable.

    Apple's processors refuse both at once, others should. With this change the kernel also brings
    the instruction cache up to date.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    protection = ctypes.c_int(mmap.PROT_READ | mmap.PROT_EXEC)
    if libc.mprotect(ctypes.c_void_p(base), ctypes.c_size_t(size), protection) != 0:
        why = os.strerror(ctypes.get_errno())
        raise RunError(f"memory must become executable; the system refuses: {why}")
    if sys.platform == "darwin":
        libc.sys_icache_invalidate(ctypes.c_void_p(base), ctypes.c_size_t(size))
