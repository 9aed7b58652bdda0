"""Prune, cluster and train for integers: one network four ways, in one table.

Needs tf_keras and tensorflow_model_optimization, which knows no Keras 3 (docs/COMPRESSION.md):

    python examples/compress_digits28.py            # a minute on a core
    xipnet quantize floats.tflite --data digits28.npz --optimize size --scheme int8 \\
        --also pruned.tflite --also clustered.tflite --also trained.tflite

Each step goes on from the one before. Half of the weights become 0. Those of a layer become one of
16 values, and the zeros stay. The network is trained as if all its values were integers, and zeros
and values stay. The three files beside floats.tflite are int8: the first two quantised after their
training, the last as it was trained.
"""

from __future__ import annotations

import argparse
import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # read when TensorFlow is imported

from pathlib import Path
from typing import Any

import numpy as np
from train_digits28 import SIDE, Digits, enlarged_digits
from training import SEED, convert, start_tensorflow, to_integers

SPARSITY = 0.5
CLUSTERS = 16  # of a layer; 0 is one of them
BATCH = 32


def build_model() -> Any:
    """Make two convolutions and two dense layers; gives the classes' shares."""
    import tf_keras
    from tf_keras import layers

    return tf_keras.Sequential(
        [
            tf_keras.Input((SIDE, SIDE, 1), name="picture"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def fit(model: Any, data: Digits, epochs: int, rate: float, callbacks: Any = ()) -> None:
    """Train on pictures moved by up to two pixels, each epoch otherwise."""
    import tf_keras

    rng = np.random.default_rng(SEED)
    moved = [
        np.roll(p, rng.integers(-2, 3, 2), (0, 1)) for p in np.repeat(data.pictures, epochs, 0)
    ]
    x, y = np.stack(moved) / np.float32(255), np.repeat(data.labels, epochs)
    model.compile(tf_keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=BATCH, verbose=2, callbacks=list(callbacks))


def prune(model: Any, data: Digits, epochs: int) -> Any:
    """Make the smallest weights 0, more and more of them, and train the others on."""
    import tensorflow_model_optimization as tfmot

    sparsity = tfmot.sparsity.keras
    steps = len(data.labels) * epochs // BATCH
    schedule = sparsity.PolynomialDecay(0.1, SPARSITY, 0, steps // 2, frequency=5)
    pruned = sparsity.prune_low_magnitude(model, pruning_schedule=schedule)
    fit(pruned, data, epochs, 1e-3, [sparsity.UpdatePruningStep()])
    return sparsity.strip_pruning(pruned)


def cluster(model: Any, data: Digits, epochs: int) -> Any:
    """Make the weights of each layer CLUSTERS values, and train these."""
    import tensorflow_model_optimization as tfmot
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import (
        cluster as keeping,
    )

    start = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    clustered = keeping.cluster_weights(
        model,
        number_of_clusters=CLUSTERS,
        cluster_centroids_init=start,
        preserve_sparsity=True,
    )
    fit(clustered, data, epochs, 5e-4)
    return tfmot.clustering.keras.strip_clustering(clustered)


def train_for_integers(model: Any, data: Digits, epochs: int) -> Any:
    """Train as if weights and values were int8, zeros and clusters kept."""
    import tensorflow_model_optimization as tfmot

    quantization = tfmot.quantization.keras
    scheme = tfmot.experimental.combine.Default8BitClusterPreserveQuantizeScheme(
        preserve_sparsity=True
    )
    trained = quantization.quantize_apply(quantization.quantize_annotate_model(model), scheme)
    fit(trained, data, epochs, 2e-4)
    return trained


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="half of the epochs")
    args = parser.parse_args()
    start_tensorflow()
    import tf_keras

    tf_keras.utils.set_random_seed(SEED)
    taught, held_out = enlarged_digits()
    share = 0.5 if args.quick else 1.0
    samples = taught.pictures[:200] / np.float32(255)
    files = {}
    model = build_model()
    fit(model, taught, int(24 * share), 2e-3)
    files["floats"] = convert(model)
    model = prune(model, taught, int(10 * share))
    files["pruned"] = to_integers(model, samples, uint8_input=False)
    model = cluster(model, taught, int(10 * share))
    files["clustered"] = to_integers(model, samples, uint8_input=False)
    for weights in model.get_weights():
        if weights.ndim > 1:
            values, zeros = len(np.unique(weights)), (weights == 0).mean()
            print(f"weights {weights.shape}: {values} values, {zeros:.0%} zeros")
    model = train_for_integers(model, taught, int(8 * share))
    files["trained"] = convert(model, integers=True)
    args.output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (args.output / f"{name}.tflite").write_bytes(content)
    kept = args.output / "digits28.npz"
    np.savez_compressed(kept, x=held_out.pictures, y=held_out.labels)
    print(f"written {', '.join(files)} and {kept.name} to {args.output}")


if __name__ == "__main__":
    main()
