"""Copy all that is whole out of a store; the store itself stays as it is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from host_sdk.display.plain import plain_file_name
from host_sdk.display.table import text_table
from host_sdk.errors import InputError
from host_sdk.link.board_info import OBJECT_TYPES
from host_sdk.store.log_reader import CURRENT, OLDER_LOG, Flash, LoggedObject, StoreLog, read_log
from host_sdk.store.log_records import SEAL_BYTES

_MOST_FOLD = 16  # objects that share bytes count each; more is no store's log
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class RescuedObject:
    """An object that a store's log names.

    Attributes:
        name: in the store.
        version: of that name.
        type: "blob", "script" or "data".
        size_bytes: of its contents.
        state: "current", "earlier", "withdrawn", "staged"; "older log": only the log before
            the last compaction tells of it.
        damage: what is wrong with it; "": it is whole.
        file: of the folder; "": none was written. That of a damaged object ends in "~damaged".
        seal: file of the folder with the object's seal; "": it has none, or is damaged.
    """

    name: str
    version: int
    type: str
    size_bytes: int
    state: str
    damage: str
    file: str
    seal: str = ""

    @property
    def files(self) -> str:
        """Its files, as text."""
        return f"{self.file}, {self.seal}" if self.seal else self.file


@dataclass(frozen=True)
class Rescue:
    """What was copied out of a store.

    Attributes:
        objects: sorted by name and version.
        lost_records: of the log: damaged, or cut off by a power failure. Objects may be missing.
    """

    objects: tuple[RescuedObject, ...]
    lost_records: int

    @property
    def ok(self) -> bool:
        """Whether all that the store held is whole."""
        return self.lost_records == 0 and not any(o.damage for o in self.objects)

    @property
    def title(self) -> str:
        """A sentence about all of it."""
        damaged = sum(bool(o.damage) for o in self.objects)
        text = f"{len(self.objects) - damaged} objects are whole, {damaged} are damaged"
        lost = f"; {self.lost_records} records of the log cannot be read"
        return text + (lost if self.lost_records else "")

    columns = ("name", "version", "bytes", "state", "", "file")

    def rows(self) -> list[tuple[str, ...]]:
        """Return a table's rows, an object each."""
        return [
            (o.name, str(o.version), f"{o.size_bytes:,}", o.state, o.damage or "whole", o.files)
            for o in self.objects
        ]

    def __str__(self) -> str:
        return text_table(self.title, self.columns, self.rows())


def rescue(
    flash: Flash, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Rescue:
    """Copy all objects of a store into a folder.

    Args:
        flash: of the store.
        folder: new or empty.
        progress: called with (done, total) bytes: of the log, then of the objects.

    Raises:
        InputError: the folder is not empty, or the store is of another format.
    """
    _prepare(folder)
    log = read_log(flash, progress)
    _check_total(flash, log)
    total = sum(o.size_bytes for o in log.objects)
    rescued, done = [], 0
    for found, names in zip(log.objects, _file_names(log.objects), strict=True):
        copied = _copy(flash, found, *(folder / name for name in names))
        if copied is not None:
            rescued.append(copied)
        done += found.size_bytes
        if progress is not None:
            progress(done, total)
    return Rescue(tuple(rescued), log.lost)


def _check_total(flash: Flash, log: StoreLog) -> None:
    total = sum(o.size_bytes for o in log.objects)
    if total > _MOST_FOLD * flash.size_bytes:
        raise InputError(
            f"objects must have at most {_MOST_FOLD} times the flash's {flash.size_bytes} bytes; "
            f"the log names {total}"
        )


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise InputError(f"folder {folder} cannot be made: {error.strerror or error}") from error
    if not is_empty:
        raise InputError(f"folder {folder} must be new or empty")


def _file_names(objects: Iterable[LoggedObject]) -> Iterator[tuple[str, str]]:
    """Name the files of the objects and of their seals; `~` is in no name otherwise."""
    seen: Counter[str] = Counter()

    def once(name: str) -> str:
        seen[name.lower()] += 1
        same = seen[name.lower()]
        return name if same == 1 else f"{name}~{same}"  # some folders ignore case

    for found in objects:
        name = plain_file_name(found.name)
        if found.state != CURRENT:
            name += f"~v{found.version}"
        name = once(name)
        yield name, once(f"{name}.seal") if found.seal_at is not None else ""


def _copy(flash: Flash, found: LoggedObject, path: Path, seal: Path) -> RescuedObject | None:
    if found.at + found.size_bytes > flash.size_bytes:
        damage, file = "is outside of the flash", ""
    elif _write(flash, found, path):
        damage, file = "", path.name
    else:
        damage, file = "SHA-256 differs", f"{path.name}~damaged"
        path.rename(path.with_name(file))
    if damage and found.state == OLDER_LOG:  # its place may belong to another object since
        path.with_name(file or path.name).unlink(missing_ok=True)
        return None
    has_seal = not damage and _write_seal(flash, found, seal)
    return RescuedObject(
        name=found.name,
        version=found.version,
        type=OBJECT_TYPES.get(found.kind, f"type {found.kind}"),
        size_bytes=found.size_bytes,
        state=found.state,
        damage=damage,
        file=file,
        seal=seal.name if has_seal else "",
    )


def _write_seal(flash: Flash, found: LoggedObject, path: Path) -> bool:
    """Copy an object's seal; return whether it has one."""
    if found.seal_at is None or found.seal_at + SEAL_BYTES > flash.size_bytes:
        return False
    path.write_bytes(flash.read(found.seal_at, SEAL_BYTES))
    return True


def _write(flash: Flash, found: LoggedObject, path: Path) -> bool:
    """Copy an object's bytes; return whether they are those that were stored."""
    digest = hashlib.sha256()
    with path.open("xb") as out:
        for start in range(0, found.size_bytes, _PIECE_BYTES):
            size = min(_PIECE_BYTES, found.size_bytes - start)
            piece = flash.read(found.at + start, size)
            digest.update(piece)
            out.write(piece)
    return digest.digest() == found.sha256
