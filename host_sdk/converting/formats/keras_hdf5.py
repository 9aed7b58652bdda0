"""`.h5` of Keras: HDF5, whose reader comes with TensorFlow; checked in the child."""

from __future__ import annotations

from pathlib import Path

from host_sdk.converting.hdf5_check import HDF5_MARK
from host_sdk.converting.private_copy import copy_file
from host_sdk.converting.source_format import Beginning, SourceFormat


def _is_hdf5(beginning: Beginning) -> bool:
    return beginning.start.startswith(HDF5_MARK)


def _prepare(path: Path, folder: Path, trust: bool) -> tuple[str, str]:
    to = folder / "model.h5"
    copy_file(path, to)
    return "hdf5", str(to)


FORMAT = SourceFormat("a Keras model in HDF5 (.h5)", _is_hdf5, _prepare)
