"""Say what a firmware image, a blob or the package is made of, as CycloneDX 1.6."""

from __future__ import annotations

from pathlib import Path

from host_sdk.errors import InputError
from host_sdk.sbom.part import Product

__all__ = ["describe", "to_cyclonedx"]


def describe(file: Path, model: Path | None = None) -> Product:
    """Say what a file is made of.

    Args:
        file: a firmware's image, a blob or xipnet's wheel.
        model: the .tflite that a blob was compiled from.

    Raises:
        InputError: a model is named, but the file is no blob.
        FirmwareFileError: the file is none of these.
        BlobError: the blob is damaged.
        OSError: a file cannot be read.
    """
    from host_sdk.sbom.blob import describe_blob
    from host_sdk.sbom.firmware import describe_image
    from host_sdk.sbom.package import describe_wheel
    from relocatable.blob.blob import is_blob

    with file.open("rb") as opened:
        begin = opened.read(4)
    if is_blob(begin):
        return describe_blob(file, model)
    if model is not None:
        raise InputError(f"{file}: must be a blob, for a model is named; is none")
    return describe_wheel(file) if file.suffix == ".whl" else describe_image(file)


def to_cyclonedx(products: list[Product]) -> str:
    """Write CycloneDX 1.6 as JSON: the same text for the same products.

    Raises:
        ToolMissingError: the library is not installed.
    """
    from host_sdk.sbom.cyclonedx_json import to_json

    return to_json(products)
