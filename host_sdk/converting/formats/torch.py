"""PyTorch: zip archives of `torch.export` and `torch.save`, and older pickles."""

from __future__ import annotations

from pathlib import Path

from host_sdk.converting.converter import Converter
from host_sdk.converting.environments.environment import read_environment
from host_sdk.converting.private_copy import copy_file
from host_sdk.converting.pt2_check import rebuild_pt2
from host_sdk.converting.source_format import Beginning, SourceFormat
from host_sdk.display.plain import plain_line
from host_sdk.errors import ModelFileError

_PICKLES = (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",)  # torch.save before 1.6
_EXPORTED = ("archive_format", "serialized_exported_program.json")
_SAVED = "data.pkl"
_WAY_OUT = (
    "is a pickle of torch.save or TorchScript, which holds no graph, or runs code: save the model "
    "by torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')"
)


def _is_torch(beginning: Beginning) -> bool:
    return beginning.start.startswith(_PICKLES) or _has(beginning, *_EXPORTED, _SAVED)


def _has(beginning: Beginning, *members: str) -> bool:
    return any(name.rpartition("/")[2] in members for name in beginning.members)


def _prepare(path: Path, folder: Path, trust: bool) -> list[str]:
    """Make an archive of what was checked, for torch to read."""
    if not _has(Beginning.of(path), *_EXPORTED):
        raise ModelFileError(f"{plain_line(str(path))} {_WAY_OUT}")
    to = folder / "model.pt2"
    if trust:
        copy_file(path, to)
    else:
        rebuild_pt2(path, to)
    return [str(to)]


_ENVIRONMENT = read_environment("torch")

CONVERTER = Converter(
    "litert-torch", lambda: _ENVIRONMENT.command("torch_child"), _ENVIRONMENT.install, True
)
FORMAT = SourceFormat("a PyTorch model", _is_torch, _prepare, converter=CONVERTER)
