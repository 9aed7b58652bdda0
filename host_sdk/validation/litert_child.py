"""The program of the process in which LiteRT runs; `litert.py` talks to it.

LiteRT's kernels abort on some models. It is run by its path and imports nothing of this package.
A request is a line of JSON, which says what arrays follow, and their bytes; so is a reply.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def write_message(stream: IO[bytes], head: dict[str, Any], arrays: list[Array]) -> None:
    """Write a line of JSON and arrays."""
    about = [[array.dtype.str, array.shape, array.nbytes] for array in arrays]
    stream.write(json.dumps({**head, "arrays": about}).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array).tobytes())
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], list[Array]]:
    """Read a line of JSON and arrays.

    Raises:
        EOFError: the other side is gone.
        ValueError: it is no message.
    """
    line = stream.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    found = []
    for dtype, shape, size in head["arrays"]:
        raw = stream.read(size)
        found.append(np.frombuffer(raw, dtype).reshape(shape))
    return head, found


def _open(model: bytes, keep_all: bool, fast: bool) -> Any:
    from ai_edge_litert.interpreter import OpResolverType

    if fast:
        return _open_with(OpResolverType.AUTO, model, keep_all)
    try:
        return _open_with(OpResolverType.BUILTIN_REF, model, keep_all)
    except ValueError as error:
        if "Didn't find op for builtin opcode" not in str(error):
            raise
        # The reference kernels lack CEIL, ROUND and ELU; the default ones have all.
        return _open_with(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, model, keep_all)


def _open_with(kernels: Any, model: bytes, keep_all: bool) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=kernels,
        experimental_preserve_all_tensors=keep_all,
    )
    interpreter.allocate_tensors()
    return interpreter


def _run(interpreter: Any, inputs: list[Array]) -> list[Array]:
    details = interpreter.get_input_details()
    for detail, x in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def _tensors(interpreter: Any, wanted: list[int]) -> tuple[list[int], list[Array]]:
    """Copy the tensors that LiteRT has values of."""
    found, arrays = [], []
    for index in wanted:
        try:
            arrays.append(interpreter.get_tensor(index).copy())
        except ValueError:
            continue
        found.append(index)
    return found, arrays


def main() -> None:
    """Answer requests until the other side closes."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what LiteRT prints is no reply
    interpreter: Any = None
    opened: tuple[bytes, bool, bool] = b"", False, False
    while True:
        try:
            head, arrays = read_message(requests)
        except EOFError:
            return
        try:
            if head["do"] in ("open", "reset"):
                if head["do"] == "open":
                    opened = arrays[0].tobytes(), head["keep_all"], head["fast"]
                # What a model keeps begins again only in a new interpreter.
                interpreter = _open(*opened)
                write_message(replies, {}, [])
            elif head["do"] == "run":
                write_message(replies, {}, _run(interpreter, arrays))
            else:
                found, values = _tensors(interpreter, head["wanted"])
                write_message(replies, {"found": found}, values)
        except (ImportError, RuntimeError, ValueError) as error:
            write_message(replies, {"error": str(error), "kind": type(error).__name__}, [])


if __name__ == "__main__":
    main()
