"""Train a network under 8 KB of weights: depthwise-separable, with hard-swish.

Needs tf_keras and tensorflow_model_optimization (docs/COMPRESSION.md says how they are installed):

    python -m examples.tiny8k.train --output net             # ten kinds of pictures that ship
    python -m examples.tiny8k.train --output net --cifar     # CIFAR-10, downloaded
    xipnet quantize net/floats.tflite --data net/tiny8k.npz --scheme float32 --scheme int8 \\
        --also net/pruned.tflite --also net/trained.tflite --instructions
    python -m examples.tiny8k.deploy net/trained.tflite net/tiny8k.npz

Half of the weights of the pointwise convolutions become 0. pruned.tflite is that, quantised after
its training; trained.tflite was trained on for integers, and the zeros stayed.
"""

from __future__ import annotations

import argparse
import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # read when TensorFlow is imported

from pathlib import Path
from typing import Any

import numpy as np

from examples.picture_patches import SIDE, Patches, cifar10, picture_patches
from examples.training import SEED, convert, start_tensorflow, to_integers

SPARSITY = 0.5
MOST_BYTES = 8192  # of weights and biases, as integers
BATCH = 32


def hard_swish(x: Any) -> Any:
    """Compute x * relu6(x + 3) / 6, which the converter writes as HARD_SWISH."""
    import tensorflow as tf

    return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)


def build_model() -> Any:
    """Make a convolution and four depthwise-separable ones; gives the classes' shares."""
    import tf_keras
    from tf_keras import layers

    picture = tf_keras.Input((SIDE, SIDE, 3), name="picture")
    x = layers.Conv2D(8, 3, strides=2, padding="same")(picture)
    x = layers.Activation(hard_swish)(x)
    for channels, strides in ((16, 1), (32, 2), (32, 1), (48, 2)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same")(x)
        x = layers.Activation(hard_swish)(x)
        x = layers.Conv2D(channels, 1)(x)
        x = layers.Activation(hard_swish)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(10, activation="softmax")(x)
    return tf_keras.Model(picture, x, name="tiny8k")


def weight_bytes(model: Any) -> int:
    """Count its weights as int8 and its biases as int32."""
    return sum(w.size * (4 if w.ndim == 1 else 1) for w in model.get_weights())


def fit(model: Any, data: Patches, epochs: int, rate: float, callbacks: Any = ()) -> None:
    """Train on the pictures as they are and mirrored."""
    import tf_keras

    x = np.concatenate([data.pictures, data.pictures[:, :, ::-1]]) / np.float32(255)
    y = np.concatenate([data.labels] * 2)
    model.compile(tf_keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=2, callbacks=list(callbacks))


def prune(model: Any, data: Patches, epochs: int) -> Any:
    """Make the smallest weights of each pointwise convolution 0, and train on."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    sparsity = tfmot.sparsity.keras
    steps = 2 * len(data.labels) * epochs // BATCH
    schedule = sparsity.PolynomialDecay(0.1, SPARSITY, 0, steps // 2, frequency=5)

    def wrap(layer: Any) -> Any:
        if getattr(layer, "kernel_size", None) != (1, 1):
            return layer
        return sparsity.prune_low_magnitude(layer, pruning_schedule=schedule)

    pruned = tf_keras.models.clone_model(model, clone_function=wrap)
    fit(pruned, data, epochs, 1e-3, [sparsity.UpdatePruningStep()])
    return sparsity.strip_pruning(pruned)


def train_for_integers(model: Any, data: Patches, epochs: int) -> Any:
    """Train as if weights and values were int8, and keep the zeros."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    quantization = tfmot.quantization.keras

    class ActivationConfig(quantization.QuantizeConfig):  # type: ignore[misc]
        """Quantise what hard-swish gives; tfmot knows no such activation by itself."""

        def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
            return []

        def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
            return []

        def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
            pass

        def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
            pass

        def get_output_quantizers(self, layer: Any) -> list[Any]:
            return [
                quantization.quantizers.MovingAverageQuantizer(
                    num_bits=8, per_axis=False, symmetric=False, narrow_range=False
                )
            ]

        def get_config(self) -> dict[str, Any]:
            return {}

    def annotate(layer: Any) -> Any:
        config = ActivationConfig() if isinstance(layer, tf_keras.layers.Activation) else None
        return quantization.quantize_annotate_layer(layer, config)

    scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    names = {"hard_swish": hard_swish, "ActivationConfig": ActivationConfig}
    with quantization.quantize_scope(names):
        annotated = tf_keras.models.clone_model(model, clone_function=annotate)
        annotated.set_weights(model.get_weights())
        trained = quantization.quantize_apply(annotated, scheme)
        fit(trained, data, epochs, 2e-4)
    return trained


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(), metavar="FOLDER")
    parser.add_argument("--cifar", action="store_true", help="download CIFAR-10")
    parser.add_argument(
        "--epochs", type=int, default=30, help="a third each to prune, for integers"
    )
    parser.add_argument("--quick", action="store_true", help="12 epochs of fewer pictures")
    args = parser.parse_args()
    start_tensorflow()
    import tf_keras

    tf_keras.utils.set_random_seed(SEED)
    if args.cifar:
        taught, held_out = cifar10()
    else:
        taught = picture_patches(60 if args.quick else 120, held_out=False, seed=SEED)
        held_out = picture_patches(40, held_out=True, seed=SEED)
    epochs = 12 if args.quick else args.epochs
    samples = taught.pictures[:200] / np.float32(255)
    model = build_model()
    size = weight_bytes(model)
    assert size < MOST_BYTES, size
    fit(model, taught, epochs, 4e-3)
    files = {"floats": convert(model)}
    model = prune(model, taught, epochs // 3)
    files["pruned"] = to_integers(model, samples, uint8_input=False)
    model = train_for_integers(model, taught, epochs // 3)
    files["trained"] = convert(model, integers=True)
    args.output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (args.output / f"{name}.tflite").write_bytes(content)
    np.savez_compressed(args.output / "tiny8k.npz", x=held_out.pictures, y=held_out.labels)
    print(f"{size:,} bytes of weights and biases; written {', '.join(files)} to {args.output}")


if __name__ == "__main__":
    main()
