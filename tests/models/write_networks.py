"""Write networks of the usual families as .tflite files, in five formats each.

python tests/models/write_networks.py build/networks [NAME ..]

Small ones with random weights from a fixed seed: nothing is trained or downloaded, and the files
are always the same. What the converter does not offer is a file NAME_FORMAT.txt with its reason.
Needs the extra `train`; `python -m tools.networks` makes an environment for it.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = ("int8", "16x8", "float32", "float16", "dynamic")
_SAMPLES = 8  # that ranges of activations are measured with
_CLASSES = 10

Keras = Any  # the module: it is imported by what writes, not by what reads the names


def _conv(k: Keras, x: Any, filters: int, size: int = 3, stride: int = 1, act: str = "relu") -> Any:
    """Add convolution, batch normalisation and activation."""
    x = k.layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    x = k.layers.BatchNormalization()(x)
    return k.layers.Activation(act)(x) if act else x


def _depthwise(k: Keras, x: Any, size: int, stride: int, act: str) -> Any:
    x = k.layers.DepthwiseConv2D(size, stride, padding="same", use_bias=False)(x)
    return k.layers.Activation(act)(k.layers.BatchNormalization()(x))


def _classes(k: Keras, x: Any) -> Any:
    x = k.layers.GlobalAveragePooling2D()(x)
    return k.layers.Dense(_CLASSES, activation="softmax")(x)


def mobilenet_v1(k: Keras) -> Any:
    return k.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, classes=_CLASSES)


def mobilenet_v2(k: Keras) -> Any:
    return k.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=_CLASSES)


def mobilenet_v3(k: Keras) -> Any:
    return k.applications.MobileNetV3Small(
        (64, 64, 3), alpha=0.35, weights=None, classes=_CLASSES, include_preprocessing=False
    )


def efficientnet_lite(k: Keras) -> Any:
    """Stack inverted bottlenecks with RELU6 and without squeeze and excitation."""
    image = k.Input((64, 64, 3))
    x = _conv(k, image, 16, 3, 2, "relu6")
    for filters, size, stride, repeats, expand in (
        *((8, 3, 1, 1, 1), (12, 3, 2, 2, 6), (20, 5, 2, 2, 6)),
        *((40, 3, 2, 2, 6), (56, 5, 1, 2, 6)),
    ):
        for i in range(repeats):
            before, step = x, stride if i == 0 else 1
            x = _conv(k, x, x.shape[-1] * expand, 1, 1, "relu6") if expand > 1 else x
            x = _depthwise(k, x, size, step, "relu6")
            x = _conv(k, x, filters, 1, 1, "")
            x = k.layers.Add()([x, before]) if i else x
    return k.Model(image, _classes(k, _conv(k, x, 128, 1, 1, "relu6")))


def resnet(k: Keras) -> Any:
    """Stack residual blocks as ResNet-18 has them."""
    image = k.Input((64, 64, 3))
    x = k.layers.ZeroPadding2D(3)(image)
    x = k.layers.Conv2D(8, 7, 2, use_bias=False)(x)
    x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
    x = k.layers.MaxPooling2D(3, 2, padding="same")(x)
    for filters, stride in ((8, 1), (8, 1), (16, 2), (16, 1), (32, 2), (32, 1)):
        changed = stride != 1 or x.shape[-1] != filters
        before = _conv(k, x, filters, 1, stride, "") if changed else x
        x = _conv(k, _conv(k, x, filters, 3, stride), filters, 3, 1, "")
        x = k.layers.ReLU()(k.layers.Add()([x, before]))
    return k.Model(image, _classes(k, x))


def unet(k: Keras) -> Any:
    """Go down by pools and up by transposed convolutions."""
    image = k.Input((48, 48, 3))
    x, kept = image, []
    for filters in (8, 16, 24):
        x = _conv(k, _conv(k, x, filters), filters)
        kept.append(x)
        x = k.layers.MaxPooling2D()(x)
    x = _conv(k, x, 32)
    for filters, beside, size in zip((24, 16, 8), reversed(kept), (2, 3, 4), strict=True):
        x = k.layers.Conv2DTranspose(filters, size, 2, padding="same")(x)
        x = _conv(k, k.layers.Concatenate()([x, beside]), filters)
    return k.Model(image, k.layers.Conv2D(3, 1, activation="sigmoid")(x))


def yolov8n(k: Keras) -> Any:
    """Build YOLOv8's parts: C2f, SPPF, sizes joined, heads with distributions."""
    bins = 8

    def c2f(x: Any, filters: int, *, adds: bool) -> Any:
        x = _conv(k, x, filters, 1, 1, "swish")
        parts = [x[..., : filters // 2], x[..., filters // 2 :]]
        last = _conv(k, parts[1], filters // 2, 3, 1, "swish")
        last = _conv(k, last, filters // 2, 3, 1, "swish")
        parts.append(k.layers.Add()([parts[1], last]) if adds else last)
        return _conv(k, k.layers.Concatenate()(parts), filters, 1, 1, "swish")

    def head(x: Any) -> Any:
        places = x.shape[1] * x.shape[2]
        box = k.layers.Conv2D(4 * bins, 1)(_conv(k, x, 16, 3, 1, "swish"))
        box = k.layers.Softmax()(k.layers.Reshape((places, 4, bins))(box))
        steps = np.arange(bins, dtype=np.float32).reshape(bins, 1)
        box = k.layers.Reshape((places, 4))(k.ops.matmul(box, steps))
        kind = k.layers.Conv2D(_CLASSES, 1)(_conv(k, x, 16, 3, 1, "swish"))
        kind = k.layers.Reshape((places, _CLASSES))(k.layers.Activation("sigmoid")(kind))
        return k.layers.Concatenate()([box, kind])

    image = k.Input((64, 64, 3))
    x = _conv(k, _conv(k, image, 8, 3, 2, "swish"), 16, 3, 2, "swish")
    fine = c2f(_conv(k, c2f(x, 16, adds=True), 24, 3, 2, "swish"), 24, adds=True)
    x = c2f(_conv(k, fine, 32, 3, 2, "swish"), 32, adds=True)
    pools = [_conv(k, x, 16, 1, 1, "swish")]
    for _ in range(3):
        pools.append(k.layers.MaxPooling2D(5, 1, padding="same")(pools[-1]))
    coarse = _conv(k, k.layers.Concatenate()(pools), 32, 1, 1, "swish")
    up = k.layers.UpSampling2D()(coarse)
    fine = c2f(k.layers.Concatenate()([up, fine]), 24, adds=False)
    down = _conv(k, fine, 24, 3, 2, "swish")
    coarse = c2f(k.layers.Concatenate()([down, coarse]), 32, adds=False)
    return k.Model(image, k.layers.Concatenate(axis=1)([head(fine), head(coarse)]))


def ssd_mobilenet(k: Keras) -> Any:
    """Put heads for boxes and classes on three sizes of a MobileNet."""
    image = k.Input((96, 96, 3))
    x = _conv(k, image, 8, 3, 2, "relu6")
    boxes, scores = [], []
    for filters, stride, is_seen in (
        *((16, 1, False), (24, 2, False), (24, 1, False), (32, 2, True)),
        *((48, 2, True), (48, 2, True)),
    ):
        x = _conv(k, _depthwise(k, x, 3, stride, "relu6"), filters, 1, 1, "relu6")
        if is_seen:
            count = x.shape[1] * x.shape[2] * 3
            boxes.append(k.layers.Reshape((count, 4))(k.layers.Conv2D(12, 1)(x)))
            kinds = k.layers.Conv2D(3 * (_CLASSES + 1), 1)(x)
            scores.append(k.layers.Reshape((count, _CLASSES + 1))(kinds))
    score = k.layers.Activation("sigmoid")(k.layers.Concatenate(axis=1)(scores))
    return k.Model(image, [k.layers.Concatenate(axis=1)(boxes), score])


def lstm(k: Keras) -> Any:
    """Stack two layers, each of which the converter makes one operator of."""
    sequence = k.Input((20, 8))
    x = _fused_lstm(k, 24)(sequence)
    x = _fused_lstm(k, 16)(x)[:, -1]
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


def _fused_lstm(k: Keras, units: int) -> Any:
    """Make a layer whose function has the name by which the converter knows an LSTM."""
    import tensorflow as tf

    class Lstm(k.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.steps = shape[1]
            wide = k.initializers.RandomNormal(stddev=0.6)  # the cells reach 1, as trained ones do
            self.kernel = self.add_weight(shape=(shape[2], 4 * units), initializer=wide)
            self.recurrent = self.add_weight(shape=(units, 4 * units), initializer=wide)
            self.bias = self.add_weight(shape=(4 * units,), initializer="zeros", name="bias")

        def call(self, x: Any) -> Any:
            names = {"api_implements": f"lstm_{units}", "api_preferred_device": "CPU"}
            options = {**names, "time_major": False, "go_backwards": False}
            function = tf.function(self.sum_up, autograph=False, experimental_attributes=options)
            weights = [tf.convert_to_tensor(w) for w in (self.kernel, self.recurrent, self.bias)]
            zero = tf.zeros((1, units))
            return function(x, zero, zero, *weights)[1]

        def sum_up(self, x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
            made = []
            for step in range(self.steps):
                gates = tf.matmul(x[:, step], kernel) + tf.matmul(h, recurrent) + bias
                let_in, keep, value, show = tf.split(gates, 4, axis=1)
                c = tf.sigmoid(keep) * c + tf.sigmoid(let_in) * tf.tanh(value)
                h = tf.sigmoid(show) * tf.tanh(c)
                made.append(h)
            return h, tf.stack(made, 1), h, c, tf.constant(1.0)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], shape[1], units)

    return Lstm()


def lstm_loop(k: Keras) -> Any:
    """Keep the loop over time: two subgraphs and WHILE."""
    sequence = k.Input((20, 8))
    x = k.layers.LSTM(16)(sequence)
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


def lstm_unrolled(k: Keras) -> Any:
    sequence = k.Input((6, 8))
    x = k.layers.LSTM(16, unroll=True)(sequence)
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


def gru(k: Keras) -> Any:
    sequence = k.Input((6, 8))
    x = k.layers.GRU(16, unroll=True)(sequence)
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


def tcn(k: Keras) -> Any:
    """Stack residual blocks of dilated causal convolutions over time."""
    sequence = k.Input((64, 8))
    x = k.layers.Conv1D(16, 1)(sequence)
    for dilation in (1, 2, 4, 8):
        y = k.layers.Conv1D(16, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
        y = k.layers.Conv1D(16, 3, padding="causal", dilation_rate=dilation, activation="relu")(y)
        x = k.layers.Add()([x, y])
    x = k.layers.GlobalAveragePooling1D()(x)
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


def ds_cnn(k: Keras) -> Any:
    """Build the keyword spotter: one wide convolution, four depthwise separable ones."""
    image = k.Input((49, 10, 1))
    x = k.layers.Conv2D(32, (10, 4), 2, padding="same", use_bias=False)(image)
    x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
    for _ in range(4):
        x = _conv(k, _depthwise(k, x, 3, 1, "relu"), 32, 1)
    x = k.layers.AveragePooling2D((25, 5))(k.layers.Dropout(0.4)(x))
    x = k.layers.Dense(12, activation="softmax")(k.layers.Flatten()(x))
    return k.Model(image, x)


def autoencoder(k: Keras) -> Any:
    signal = k.Input((128,))
    x = signal
    for units in (48, 48, 8, 48, 48):
        x = k.layers.ReLU()(k.layers.BatchNormalization()(k.layers.Dense(units)(x)))
    return k.Model(signal, k.layers.Dense(128)(x))


def transformer(k: Keras) -> Any:
    """Stack two encoder blocks: attention, layer normalisation, GELU."""
    sequence = k.Input((16, 24))
    x = k.layers.Dense(32)(sequence)
    for _ in range(2):
        seen = k.layers.LayerNormalization(epsilon=1e-5)(x)
        seen = k.layers.MultiHeadAttention(num_heads=2, key_dim=16)(seen, seen)
        x = k.layers.Add()([x, seen])
        y = k.layers.Dense(64)(k.layers.LayerNormalization(epsilon=1e-5)(x))
        y = k.layers.Activation("gelu")(y)
        x = k.layers.Add()([x, k.layers.Dense(32)(y)])
    x = k.layers.GlobalAveragePooling1D()(k.layers.LayerNormalization(epsilon=1e-5)(x))
    return k.Model(sequence, k.layers.Dense(4, activation="softmax")(x))


NETWORKS: dict[str, Callable[[Keras], Any]] = {
    make.__name__: make
    for make in (
        *(mobilenet_v1, mobilenet_v2, mobilenet_v3, efficientnet_lite, resnet, unet, yolov8n),
        *(ssd_mobilenet, lstm, lstm_loop, lstm_unrolled, gru, tcn, ds_cnn, autoencoder),
        transformer,
    )
}


def write(name: str, folder: Path) -> None:
    """Write a network in every format that is not there yet.

    Args:
        name: one of NETWORKS.
        folder: for the files.
    """
    missing = [f for f in FORMATS if not any(folder.glob(f"{name}_{f}.t*"))]
    if not missing:
        return
    import keras
    import tensorflow as tf

    seed = zlib.crc32(name.encode())
    keras.backend.clear_session()  # which numbers the layers from 1
    keras.utils.set_random_seed(seed)
    model = NETWORKS[name](keras)
    _spread(model, np.random.default_rng(seed))
    inputs = [tf.TensorSpec((1, *x.shape[1:]), tf.float32) for x in model.inputs]
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.run = tf.function(
        lambda x: model(x, training=False), input_signature=inputs, autograph=False
    )
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures=module.run)
        for form in missing:
            converter = tf.lite.TFLiteConverter.from_saved_model(saved)
            _configure(tf, converter, form, lambda: _samples(inputs, seed))
            convert(converter, folder / f"{name}_{form}.tflite")


def convert(converter: Any, path: Path) -> None:
    """Write what a converter makes, or a text that says why it makes nothing."""
    reason = path.with_suffix(".txt")
    reason.write_text("the converter crashed", encoding="utf-8")  # for the case that it does
    try:
        path.write_bytes(converter.convert())
    except Exception as error:  # of many kinds, with a text of many lines
        first, *_ = str(error).strip().splitlines() or ["no reason given"]
        reason.write_text(first, encoding="utf-8")
    else:
        reason.unlink()


def _spread(model: Any, rng: np.random.Generator) -> None:
    """Give biases and what batch normalisation learns values that are not all 0 or 1."""
    for variable in model.variables:
        kind = variable.path.rsplit("/", 1)[-1]
        if kind in ("bias", "beta", "moving_mean"):
            variable.assign(rng.normal(0, 0.1, variable.shape))
        elif kind in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.6, 1.4, variable.shape))


def _samples(inputs: list[Any], seed: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    for _ in range(_SAMPLES):
        yield [rng.uniform(-1, 1, x.shape).astype(np.float32) for x in inputs]


def _configure(tf: Any, converter: Any, form: str, samples: Callable[[], Any]) -> None:
    if form == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form not in ("int8", "16x8"):
        return
    sets = tf.lite.OpsSet
    integers = {
        "int8": (sets.TFLITE_BUILTINS_INT8, tf.int8),
        "16x8": (
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            tf.int16,
        ),
    }
    converter.representative_dataset = samples
    operators, kind = integers[form]
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type = converter.inference_output_type = kind


def main() -> None:
    """Write the networks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    args = parser.parse_args()
    if unknown := set(args.names) - set(NETWORKS):
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.names or NETWORKS:
        write(name, args.folder)


if __name__ == "__main__":
    main()
