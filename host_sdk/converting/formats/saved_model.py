"""A SavedModel of TensorFlow: a folder of saved_model.pb and variables/."""

from __future__ import annotations

from pathlib import Path

from host_sdk.converting.graph_check import MOST_GRAPH_BYTES, check_saved_model
from host_sdk.converting.private_copy import copy_file
from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.errors import ModelFileError

_GRAPH = "saved_model.pb"
_MOST_FILES = 64


def _is_saved_model(beginning: Beginning) -> bool:
    return beginning.is_folder and beginning.path is not None and _has_graph(beginning.path)


def _has_graph(folder: Path) -> bool:
    return (folder / _GRAPH).exists()


def _prepare(path: Path, folder: Path, trust: bool) -> tuple[str, str]:
    """Copy graph and variables, and check the graph; assets stay where they are."""
    to = folder / "saved_model"
    (to / "variables").mkdir(parents=True)
    copy_file(path / _GRAPH, to / _GRAPH, MOST_GRAPH_BYTES, follow=False)
    for file in _variables(path / "variables"):
        copy_file(file, to / "variables" / file.name, follow=False)
    if not trust:
        check_saved_model((to / _GRAPH).read_bytes(), str(path))
    return "saved_model", str(to)


def _variables(folder: Path) -> list[Path]:
    files = list(folder.glob("variables.*"))
    if len(files) > _MOST_FILES:
        raise ModelFileError(f"{folder} must hold at most {_MOST_FILES} files; holds {len(files)}")
    return files


FORMAT = SourceFormat("a SavedModel of TensorFlow (a folder)", _is_saved_model, _prepare)
