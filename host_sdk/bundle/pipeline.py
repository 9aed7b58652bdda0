"""A `pipeline.toml`: which models, scripts and data are one bundle."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from host_sdk.bundle.bundle import NAME_CHARACTERS, is_member_name
from host_sdk.errors import BundleFileError
from host_sdk.inference.model_source import Optimize
from host_sdk.store.files import MAIN_SCRIPTS, SCRIPT_ENDINGS

_ENDINGS = " or ".join(SCRIPT_ENDINGS)
_OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)
_TOP = ("name", "script", "modules", "models", "data")
_MODEL = ("model", "head", "optimize", "max_ram", "ops")


@dataclass(frozen=True)
class PipelineModel:
    """A model of a pipeline.

    Attributes:
        name: of the member.
        path: of a .tflite, or of a blob.
        head: post-processing of a .tflite: the path of a TOML or C file, or "auto"; None: as
            `Device.load_model` finds it.
        optimize: of a .tflite, see `Device.load_model`.
        max_ram: of a .tflite: bytes that its arena may have.
        ops: of a .tflite: folder of operators of your own.
    """

    name: str
    path: Path
    head: str | None = None
    optimize: Optimize = "speed"
    max_ram: int | None = None
    ops: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """What a `pipeline.toml` says.

    Attributes:
        name: of the bundle in a store.
        models: the first one serves when the bundle is active.
        files: name of a member -> path: scripts and data.
    """

    name: str
    models: tuple[PipelineModel, ...]
    files: Mapping[str, Path]


def read_pipeline(path: Path) -> Pipeline:
    """Read a `pipeline.toml`.

    Paths in it are relative to its folder and stay within it; one that is meant to lead elsewhere
    is written from the root on.

    Raises:
        BundleFileError: it cannot be read, or breaks a rule; file, table and key are named.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BundleFileError(f"{path} must be TOML; {error}") from error
    top = _Table(path, "", values, _TOP)
    found = top.table("models")
    models = tuple(_model(found.table(key, _MODEL)) for key in found.values)
    if not models:
        raise top.error("models", "at least one table [models.NAME]", {})
    name = top.text("name", path.stem)
    if not is_member_name(name):
        raise top.error("name", f"1 to {NAME_CHARACTERS} printable characters, no '/'", name)
    return Pipeline(name, models, _files(top, [model.name for model in models]))


def _model(table: _Table) -> PipelineModel:
    optimize = table.text("optimize", "speed")
    if optimize not in _OPTIMIZE:
        raise table.error("optimize", f"one of {', '.join(_OPTIMIZE)}", optimize)
    head = table.text("head", "") or None
    return PipelineModel(
        name=table.key,
        path=table.path("model"),
        head=head if head in (None, "auto") else str(table.path("head")),
        optimize=optimize,
        max_ram=table.bytes("max_ram"),
        ops=str(table.path("ops", is_folder=True)) if table.text("ops", "") else None,
    )


def _files(top: _Table, taken: list[str]) -> dict[str, Path]:
    """List scripts and data; each member has its own name."""
    found: list[tuple[str, str, Path]] = []
    if script := top.text("script", ""):
        end = Path(script).suffix
        if end not in SCRIPT_ENDINGS:
            raise top.error("script", f"a file that ends with {_ENDINGS}", script)
        main = next(name for name in MAIN_SCRIPTS if name.endswith(end))
        found.append(("script", main, top.path("script")))
    for module in top.texts("modules"):
        if Path(module).suffix not in SCRIPT_ENDINGS:
            raise top.error("modules", f"files that end with {_ENDINGS}", module)
        if Path(module).name in MAIN_SCRIPTS:
            raise top.error("modules", "files of other names; `script` is what runs", module)
        found.append(("modules", Path(module).name, top.resolve("modules", module)))
    data = top.table("data")
    found += [("data", key, data.path(key)) for key in data.values]
    files: dict[str, Path] = {}
    for key, name, path in found:
        if name in files or name in taken or not is_member_name(name):
            rule = f"a name of its own, of 1 to {NAME_CHARACTERS} printable characters, no '/'"
            raise top.error(key, rule, name)
        files[name] = path
    return files


class _Table:
    """A table of the file; refusals name file, table, key, rule and value."""

    def __init__(
        self, file: Path, name: str, values: object, known: tuple[str, ...] | None
    ) -> None:
        self._file = file
        self._name = name
        if not isinstance(values, Mapping):
            raise BundleFileError(f"{file}: {name} must be a table; is {values!r}")
        self.values: Mapping[str, Any] = values
        if known is None:
            return
        for key in values:
            if key not in known:
                raise self.error(key, f"one of {', '.join(known)}", key)

    @property
    def key(self) -> str:
        """The last part of its name, which must be one of a member."""
        key = self._name.partition(".")[2]
        if not is_member_name(key):
            rule = f"1 to {NAME_CHARACTERS} printable characters, no '/'"
            raise BundleFileError(f"{self._file}: [{self._name}] must be named by {rule}")
        return key

    def table(self, key: str, known: tuple[str, ...] | None = None) -> _Table:
        """Give a table within, which has known keys; one that is not there is empty."""
        name = f"{self._name}.{key}" if self._name else key
        return _Table(self._file, name, self.values.get(key, {}), known)

    def text(self, key: str, default: str | None = None) -> str:
        """Read a string."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, "a string", value)
        return value

    def texts(self, key: str) -> list[str]:
        """Read a list of strings, or none."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, "a list of strings", value)
        return value

    def bytes(self, key: str) -> int | None:
        """Read a number of bytes, or None."""
        value = self.values.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.error(key, "a whole number of bytes", value)
        if value is not None and value < 1:
            raise self.error(key, "at least 1 byte", value)
        return value

    def path(self, key: str, is_folder: bool = False) -> Path:
        """Read the path of a file, or of a folder, which must be there."""
        return self.resolve(key, self.text(key), is_folder)

    def resolve(self, key: str, text: str, is_folder: bool = False) -> Path:
        """Find what a path leads to."""
        folder = self._file.resolve().parent
        path = (folder / text).resolve()
        if not Path(text).is_absolute() and not path.is_relative_to(folder):
            raise self.error(key, "a path within the file's folder, or an absolute one", text)
        if not (path.is_dir() if is_folder else path.is_file()):
            raise self.error(key, f"a {'folder' if is_folder else 'file'} that is there", str(path))
        return path

    def error(self, key: str, rule: str, value: object) -> BundleFileError:
        """Make the error for a key whose value breaks a rule."""
        place = f"[{self._name}] {key}" if self._name else key
        return BundleFileError(f"{self._file}: {place} must be {rule}; is {value!r}")
