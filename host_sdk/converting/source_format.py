"""What a file of another tool is, told by its contents, and how it is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from host_sdk.converting.archive import member_names
from host_sdk.converting.converter import Converter
from host_sdk.converting.run_converter import TENSORFLOW
from host_sdk.errors import ModelFileError

START_BYTES = 4096


@dataclass(frozen=True)
class Beginning:
    """What a format is told by.

    Attributes:
        start: the first bytes; empty for a folder.
        path: of the file or the folder; None if only bytes were given.
    """

    start: bytes
    path: Path | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path is not None and self.path.is_dir()

    @property
    def suffix(self) -> str:
        """The name's ending, in small letters; "" for bytes."""
        return self.path.suffix.lower() if self.path is not None else ""

    @cached_property
    def members(self) -> frozenset[str]:
        """The names of a zip archive's members; empty if it is none, or a damaged one."""
        if self.path is None or not self.start.startswith(b"PK\x03\x04"):
            return frozenset()
        try:
            return frozenset(member_names(self.path))
        except ModelFileError:
            return frozenset()

    @classmethod
    def of(cls, path: Path) -> Beginning:
        """Read what a format is told by.

        Raises:
            OSError: it cannot be read.
        """
        if path.is_dir():
            return cls(b"", path)
        with path.open("rb") as file:
            return cls(file.read(START_BYTES), path)


# convert(path): gives the .tflite; for files of which nothing is executed.
Convert: TypeAlias = Callable[[Path], bytes]
# prepare(path, folder, trust): check what is at the path, and lay what is to be converted into a
# folder of ours; returns the words for the converter: TensorFlow's needs a kind and a path, others
# a path.
Prepare: TypeAlias = Callable[[Path, Path, bool], Sequence[str]]


@dataclass(frozen=True)
class SourceFormat:
    """A format that models come in.

    Attributes:
        name: what one is, with its article.
        is_it: tells it by its beginning.
        prepare: lays it out for the converter in a child; None if there is none.
        way_out: what to do with one that is not converted.
        convert: converts it in this process; None if that is not to be done.
        converter: converts what `prepare` laid out.
    """

    name: str
    is_it: Callable[[Beginning], bool]
    prepare: Prepare | None = None
    way_out: str = ""
    convert: Convert | None = None
    converter: Converter = TENSORFLOW
