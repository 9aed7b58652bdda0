"""What a blob is made of."""

from __future__ import annotations

from pathlib import Path

import relocatable
from host_sdk.sbom.own import kernels_part
from host_sdk.sbom.part import Part, Product, sha256_of
from host_sdk.sbom.third_parties import third_parties


def describe_blob(file: Path, model: Path | None) -> Product:
    """Say what a blob is made of.

    Args:
        file: the blob.
        model: the .tflite that it was compiled from; None: not known.

    Raises:
        BlobError: the blob is damaged.
        OSError: a file cannot be read.
    """
    data = file.read_bytes()
    blob = relocatable.Blob.unpack(data)
    compiler = str(blob.metadata["tool"])
    itself = Part(
        name=str(blob.metadata["name"]),
        kind="machine-learning-model",
        sha256=sha256_of(data),
        text=f"blob for {', '.join(blob.metadata['targets'])}",
        facts={"compiler": compiler, "targets": ", ".join(blob.metadata["targets"])},
    )
    ours, _, version = compiler.partition("xipnet ")
    parts = (kernels_part("" if ours else version), *third_parties("blob"))
    return Product(itself, parts if model is None else (*parts, _model(model)))


def _model(file: Path) -> Part:
    sha256 = sha256_of(file.read_bytes())
    return Part(file.name, kind="machine-learning-model", sha256=sha256, text="the model's file")
