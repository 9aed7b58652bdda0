"""Networks of Caffe with weights from a seed: what each layer's rules turn on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.converting.caffe.schema import network_class

# Pooling whose last window is cut off; means with padding; both kinds of LRN; groups; a filter for
# each channel; pictures that are flattened in Caffe's order.
FULL = """
name: "full"
input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 30
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 8 pad: 2 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1"
        lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL } }
layer { name: "conv2" type: "Convolution" bottom: "norm1" top: "conv2"
        convolution_param { num_output: 8 pad: 2 kernel_size: 5 group: 2 } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
        pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "norm2" type: "LRN" bottom: "pool2" top: "norm2"
        lrn_param { local_size: 5 alpha: 1.0 beta: 0.75 } }
layer { name: "each" type: "Convolution" bottom: "norm2" top: "each"
        convolution_param { num_output: 16 pad: 1 kernel_size: 3 stride: 2 group: 8
                            bias_term: false } }
layer { name: "leaky" type: "ReLU" bottom: "each" top: "leaky" relu_param { negative_slope: 0.1 } }
layer { name: "mean" type: "Pooling" bottom: "norm2" top: "mean"
        pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "most" type: "Pooling" bottom: "norm2" top: "most"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "wide" type: "Convolution" bottom: "leaky" top: "wide"
        convolution_param { num_output: 4 kernel_h: 2 kernel_w: 1 pad_h: 1 pad_w: 0 } }
layer { name: "cat" type: "Concat" bottom: "mean" bottom: "most" top: "cat" }
layer { name: "drop" type: "Dropout" bottom: "cat" top: "cat" }
layer { name: "ip1" type: "InnerProduct" bottom: "cat" top: "ip1"
        inner_product_param { num_output: 6 } }
layer { name: "flat" type: "Flatten" bottom: "wide" top: "flat" }
layer { name: "ip2" type: "InnerProduct" bottom: "flat" top: "ip2"
        inner_product_param { num_output: 5 } }
layer { name: "both" type: "Concat" bottom: "ip1" bottom: "ip2" top: "both" }
layer { name: "prob" type: "Softmax" bottom: "both" top: "prob" }
"""
FULL_WEIGHTS: dict[str, tuple[Any, ...]] = {
    "conv1": ("Convolution", (8, 3, 5, 5), (8,)),
    "conv2": ("Convolution", (8, 4, 5, 5), (8,)),
    "each": ("Convolution", (16, 1, 3, 3)),
    "wide": ("Convolution", (4, 16, 2, 1), (4,)),
    "ip1": ("InnerProduct", (6, 16 * 5 * 4), (6,)),
    "ip2": ("InnerProduct", (5, 4 * 5 * 4), (5,)),
}
FULL_SHAPE = (3, 32, 30)

# As files before 2014 say it: types are numbers, weights have four dimensions.
OLD = """
name: "old"
input: "data" input_dim: 1 input_dim: 1 input_dim: 12 input_dim: 12
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
         convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "pool1" type: POOLING bottom: "conv1" top: "pool1"
         pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layers { name: "ip1" type: INNER_PRODUCT bottom: "pool1" top: "ip1"
         inner_product_param { num_output: 5 } }
layers { name: "prob" type: SOFTMAX bottom: "ip1" top: "prob" }
"""
OLD_WEIGHTS: dict[str, tuple[Any, ...]] = {
    "conv1": (4, (4, 1, 3, 3), (1, 1, 1, 4)),
    "ip1": (14, (1, 1, 5, 100), (1, 1, 1, 5)),
}
OLD_SHAPE = (1, 12, 12)


def arrays(shapes: Any, seed: int = 1) -> list[np.ndarray]:
    """Make weights of some shapes, float32."""
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(shape) * 0.3).astype(np.float32) for shape in shapes]


def write_network(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a network, "full" or "old", and its weights; their files."""
    text = {"full": FULL, "old": OLD}[name]
    weights = FULL_WEIGHTS if name == "full" else OLD_WEIGHTS
    prototxt, caffemodel = folder / f"{name}.prototxt", folder / f"{name}.caffemodel"
    prototxt.write_text(text)
    network = network_class()()
    for seed, (layer, (kind, *shapes)) in enumerate(weights.items()):
        added = (network.layers if name == "old" else network.layer).add(name=layer, type=kind)
        for array in arrays(shapes, seed):
            blob = added.blobs.add()
            if name == "old":
                blob.num, blob.channels, blob.height, blob.width = array.shape
            else:
                blob.shape.dim.extend(array.shape)
            blob.data.extend(array.ravel().tolist())
    caffemodel.write_bytes(network.SerializeToString())
    return prototxt, caffemodel


def picture(name: str) -> np.ndarray:
    """Return the input that outputs are known of, float32 [C, H, W]."""
    shape = {"full": FULL_SHAPE, "old": OLD_SHAPE}[name]
    return np.random.default_rng(99).standard_normal(shape).astype(np.float32)
