"""A network of Caffe as a .tflite of floats: NHWC, a batch of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from host_sdk.converting.caffe.layers import LAYERS, LayerError, Writing
from host_sdk.converting.caffe.read import Layer, Network, read_network
from host_sdk.converting.write_tflite import TfliteWriter
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError

__all__ = ["Converted", "convert_caffe"]


@dataclass(frozen=True)
class Converted:
    """A converted network.

    Attributes:
        tflite: float32; pictures are [1, H, W, C], as are outputs that Caffe has as C x H x W.
        notes: what a user should know: how pictures were prepared.
    """

    tflite: bytes
    notes: tuple[str, ...]


def convert_caffe(prototxt: Path, weights: Path) -> Converted:
    """Convert a network of Caffe.

    Args:
        prototxt: its description.
        weights: a `.caffemodel`, or an `.h5` that Caffe wrote.

    Raises:
        ModelFileError: a file is damaged, or holds what is not converted; says which layer and why.
        ToolMissingError: a package that reads it is not installed.
    """
    network = read_network(prototxt, weights)
    refused = sorted({one.type for one in network.layers} - set(LAYERS))
    if refused:
        known = ", ".join(sorted(LAYERS))
        kinds = ", ".join(plain_line(kind) for kind in refused)
        raise ModelFileError(
            f"{prototxt}: layers that are not converted: {kinds}; these are: {known}"
        )
    writer = TfliteWriter()
    writing = Writing(writer, fused=_fused(network))
    inputs = {}
    for value, shape in network.inputs:
        nhwc = (1, *shape[1:], shape[0]) if len(shape) == 3 else (1, *shape)
        name = plain_line(network.names[value])
        writing.give(value, writer.tensor(name, nhwc), nhwc)
        inputs[name] = writing.tensor(value)
    for layer in network.layers:
        try:
            LAYERS[layer.type](writing, layer)
        except LayerError as error:
            place = f"{prototxt}: layer {plain_line(layer.name)} ({layer.type})"
            raise ModelFileError(f"{place}: {error}") from error
    outputs = {plain_line(network.names[v]): writing.tensor(v) for v in network.outputs}
    given = set(inputs.values()) & set(outputs.values())
    if given or len(set(outputs.values())) != len(network.outputs):
        raise ModelFileError(f"{prototxt}: an output must be one layer's own")
    return Converted(writer.finish(inputs, outputs, network.name), network.notes)


def _fused(network: Network) -> frozenset[int]:
    """Return the values that a ReLU alone takes, which the layer before computes, too."""
    takers: dict[int, list[Layer]] = {}
    for layer in network.layers:
        for value in layer.inputs:
            takers.setdefault(value, []).append(layer)
    makers = {value: layer for layer in network.layers for value in layer.outputs}
    return frozenset(
        value
        for value, layers in takers.items()
        if len(layers) == 1
        and layers[0].type == "ReLU"
        and layers[0].parameters.relu_param.negative_slope == 0
        and value in makers
        and makers[value].type in ("Convolution", "InnerProduct")
    )
