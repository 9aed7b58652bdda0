"""Weights as files beside a blob: NAME.bin, NAME.weights.bin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from host_sdk.errors import ModelFileError
from relocatable.blob.blob import Blob, Need
from relocatable.blob.separate import Separated, join_weights
from relocatable.errors import BlobError, WeightsError

ENDING = ".weights.bin"


@dataclass(frozen=True)
class WeightsFile:
    """An object that holds weights.

    Attributes:
        data: its bytes.
        path: of its file; None: it was made by the compiler just now.
    """

    data: bytes
    path: Path | None = None


def find_weights(needs: Iterable[Need], blob: Path) -> tuple[WeightsFile, ...]:
    """Find what a blob needs in the files beside it, by length and SHA-256.

    Returns:
        Those that are there, whatever their names are; of equal ones that of the blob's name.
    """
    own = f"{blob.with_suffix('').name}."
    wanted = set(needs)
    found = []
    files = blob.parent.glob(f"*{ENDING}") if wanted else ()
    for path in sorted(files, key=lambda path: (not path.name.startswith(own), path.name)):
        sizes = {need.size_bytes for need in wanted}
        try:
            data = path.read_bytes() if path.stat().st_size in sizes else b""
        except OSError:
            continue  # what is missing is said by who needs it
        need = Need(hashlib.sha256(data).digest(), len(data))
        if need in wanted:
            wanted.remove(need)
            found.append(WeightsFile(data, path))
    return tuple(found)


def join_files(place: str, data: bytes, weights: Iterable[WeightsFile]) -> bytes:
    """Put the weights that a blob needs into it.

    Args:
        place: where the blob comes from, for the error.
        data: the blob.
        weights: what was found beside it.

    Raises:
        ModelFileError: the blob is damaged, or a file that it needs is not beside it.
    """
    try:
        return join_weights(data, (file.data for file in weights))
    except WeightsError as error:
        raise ModelFileError(f"{place}: {error}; {how_to_give(place)}") from error
    except BlobError as error:
        raise ModelFileError(f"{place} is a damaged blob: {error}") from error


def how_to_give(place: str) -> str:
    """Say where the weights' file must be."""
    return f"put the file *{ENDING} that was written with it into the folder of {place}"


def weights_paths(blob: Path, separated: Separated) -> dict[Path, bytes]:
    """Name the files of the weights that a blob needs.

    One is called NAME.weights.bin; of several each also has the target of the first program that
    needs it: NAME.cortex-m4.weights.bin.
    """
    stem = blob.with_suffix("").name
    if len(separated.weights) == 1:
        return {blob.with_name(stem + ENDING): separated.weights[0]}
    unpacked = Blob.unpack(separated.blob)
    targets = unpacked.metadata["targets"]
    paths = {}
    for data in separated.weights:
        need = Need(hashlib.sha256(data).digest(), len(data))
        first = next(i for i, v in enumerate(unpacked.variants) if v.need == need)
        paths[blob.with_name(f"{stem}.{targets[first]}{ENDING}")] = data
    return paths
