"""1,000 pictures of 28 x 28 through `mnist_small_int8` on a virtual Cortex-M4
over a wire paced to 115200 baud, with `Device.infer_many`: as they are, and
packed (docs/SPEC-wire.md, section 8). Accuracy beside LiteRT's reference
kernels on the same pictures. A serial validation with stop and wait of the
same model class on an STM32F446 took 302 ms a picture, half of it inference.
The model and the pictures lie beside the project; without them there is no
table."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np

from host_sdk import Device

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
COUNT = 1000
URL = "sim://cortex-m4?baud=115200"


def litert(tflite: Path, samples: np.ndarray) -> list[int]:
    """Return the classes that LiteRT's reference kernels give."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_REF
    judge = Interpreter(str(tflite), experimental_op_resolver_type=resolver)
    judge.allocate_tensors()
    given, got = judge.get_input_details()[0]["index"], judge.get_output_details()[0]["index"]
    classes = []
    for x in samples:
        judge.set_tensor(given, x[None])
        judge.invoke()
        classes.append(int(np.argmax(judge.get_tensor(got))))
    return classes


def table() -> str:
    """Write the Markdown table."""
    tflite = MODELS / "mnist_small_int8.tflite"
    if not tflite.exists():
        return "(the model is not here)"
    data = np.load(MODELS / "mnist_test.npz")
    samples = (data["x"][:COUNT].astype(np.int16) - 128).astype(np.int8)  # scale 1/255, zero -128
    labels = data["y"][:COUNT]
    expected = litert(tflite, samples)
    lines = [
        "| inputs | ms a picture | accuracy | LiteRT | same class |",
        "|---|--:|--:|--:|--:|",
    ]
    right = np.mean(np.array(expected) == labels)
    with Device(URL) as board:
        board.load_model(tflite)
        info = board._session.info
        for name, pack in (("raw", 0), ("packed", info.pack)):
            board._session._info = dataclasses.replace(info, pack=pack)
            start = time.perf_counter()
            classes = [int(np.argmax(y)) for y in board.infer_many(samples, raw=True)]
            ms = (time.perf_counter() - start) / COUNT * 1e3
            ours, same = np.mean(classes == labels), np.mean(np.array(classes) == expected)
            lines.append(f"| {name} | {ms:.1f} | {ours:.1%} | {right:.1%} | {same:.1%} |")
    return "\n".join(lines)
