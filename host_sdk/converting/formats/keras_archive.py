"""`.keras`: a zip archive of config.json, metadata.json and model.weights.h5."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from host_sdk.converting.archive import copy_member, open_archive, read_member
from host_sdk.converting.keras_config import MOST_CONFIG_BYTES, read_config
from host_sdk.converting.private_copy import MOST_BYTES, copy_file
from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.errors import ModelFileError, UnsafeModelError

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_METADATA_BYTES = 1 << 16


def _is_keras(beginning: Beginning) -> bool:
    return _CONFIG in beginning.members and _METADATA in beginning.members


def _prepare(path: Path, folder: Path, trust: bool) -> tuple[str, str]:
    """Check an archive, and write another of what was checked, for Keras to read."""
    to = folder / "model.keras"
    if trust:
        copy_file(path, to)
        return "keras", str(to)
    with open_archive(path) as archive:
        _check_members(path, archive.namelist())
        config = read_config(read_member(archive, _CONFIG, MOST_CONFIG_BYTES), str(path))
        metadata = _read_metadata(read_member(archive, _METADATA, _MOST_METADATA_BYTES), path)
        with zipfile.ZipFile(to, "x") as checked:
            checked.writestr(_METADATA, json.dumps(metadata))
            checked.writestr(_CONFIG, json.dumps(config))
            with checked.open(_WEIGHTS, "w", force_zip64=True) as weights:
                copy_member(archive, _WEIGHTS, weights, MOST_BYTES)  # type: ignore[arg-type]
    return "keras", str(to)


def _check_members(path: Path, names: list[str]) -> None:
    if _WEIGHTS not in names:
        raise ModelFileError(f"{path} must hold {_WEIGHTS}; holds {', '.join(names[:8])}")
    # Vocabularies and other files of layers; Keras unpacks them.
    more = [name for name in names if name not in (_CONFIG, _METADATA, _WEIGHTS, "assets/")]
    if more or len(set(names)) < len(names):
        raise UnsafeModelError(
            str(path), f"must hold {_CONFIG}, {_METADATA} and {_WEIGHTS} alone", str(more or names)
        )


def _read_metadata(text: bytes, path: Path) -> dict[str, str]:
    try:
        version = json.loads(text)["keras_version"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: {_METADATA} must name the keras_version") from error
    return {"keras_version": str(version)[:40]}


FORMAT = SourceFormat("a Keras model (.keras)", _is_keras, _prepare)
