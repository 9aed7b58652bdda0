"""The schemes that a model of floats can be quantised by: an entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from host_sdk.quantizing.float_model import FloatModel
from host_sdk.quantizing.power_of_two import quantize_power_of_two
from host_sdk.quantizing.recipe import by_recipe
from host_sdk.quantizing.score import Samples
from host_sdk.quantizing.uint8_io import with_uint8_io

__all__ = ["SCHEMES", "Scheme"]


@dataclass(frozen=True)
class Scheme:
    """A way to quantise.

    Attributes:
        title: what it does, for tables.
        make: gives the .tflite.
    """

    title: str
    make: Callable[[FloatModel, Samples], bytes]


def _unchanged(model: FloatModel, samples: Samples) -> bytes:
    return model.tflite


def _recipe(config: str, float_io: bool = False, **values: object) -> Callable[..., bytes]:
    def make(model: FloatModel, samples: Samples) -> bytes:
        x = samples.x[: samples.calibrate]
        return by_recipe(model, x, config, values, float_io=float_io)

    return make


def _uint8_io(model: FloatModel, samples: Samples) -> bytes:
    return with_uint8_io(_INT8(model, samples))


def _power_of_two(model: FloatModel, samples: Samples) -> bytes:
    return quantize_power_of_two(model, samples).tflite


_static = partial(_recipe, "add_static_config", activation_num_bits=8, weight_num_bits=8)
_INT8 = _static()

SCHEMES: dict[str, Scheme] = {
    "float32": Scheme("as it is", _unchanged),
    "float16": Scheme(
        "weights float16",
        _recipe("add_weight_only_config", num_bits=16, algorithm_key="FLOAT_CASTING"),
    ),
    "dynamic": Scheme(
        "weights int8, values float32, quantised on the way",
        _recipe("add_dynamic_config", num_bits=8),
    ),
    "int8": Scheme("int8, weights by channel, min-max", _INT8),
    "int8-octav": Scheme(
        "the same, ranges that clip for the least error", _static(algorithm_key="OCTAV")
    ),
    "int8-tensor": Scheme("int8, weights by tensor", _static(weight_granularity="TENSORWISE")),
    "int8-float-io": Scheme("int8, floats in and out", _static(float_io=True)),
    "int8-uint8-io": Scheme("int8, uint8 in and out", _uint8_io),
    "int4": Scheme(
        "values int8, weights int4",
        _recipe("add_static_config", activation_num_bits=8, weight_num_bits=4),
    ),
    "16x8": Scheme(
        "values int16, weights int8",
        _recipe("add_static_config", activation_num_bits=16, weight_num_bits=8),
    ),
    "qmn": Scheme("int8, scales powers of two, searched", _power_of_two),
}
