"""A model of two inputs and two outputs that a signature names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Quant
from tests.make_tflite import make_tflite, schema

IMAGE = np.random.default_rng(5).integers(-128, 128, (3, 1, 4, 4, 2), np.int8)
STATE = np.random.default_rng(6).integers(-128, 128, (3, 1, 6), np.int8)


def two_ports_model(
    inputs: tuple[str, str] = ("image", "state"), outputs: tuple[str, str] = ("next", "turned")
) -> bytes:
    """Write a model: "next" is the state rescaled, "turned" the image transposed."""
    b = GraphBuilder()
    image, state = b.input(1, 4, 4, 2), b.input(1, 6)
    turned, following = b.tensor(1, 2, 4, 4), b.tensor(1, 6, quant=Quant((0.75,), (3,)))
    b.op("TRANSPOSE", (image, b.constant([0, 3, 1, 2])), turned)
    b.op("QUANTIZE", (state,), following)

    def sign(model: Any) -> None:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        for kind, tensors, names in (
            ("inputs", (image, state), inputs),
            ("outputs", (following, turned), outputs),
        ):
            maps = []
            for tensor, name in zip(tensors, names, strict=True):
                one = schema.TensorMapT()
                one.name, one.tensorIndex = name.encode(), tensor
                maps.append(one)
            setattr(signature, kind, maps)
        model.signatureDefs = [signature]

    return make_tflite(b.graph(following, turned), sign)


def turned(image: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Compute the output "turned"."""
    return image.transpose(0, 3, 1, 2)
