"""The active model: read, switched, pinned. Runs go on while it is switched."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from host_sdk.display.plain import plain_line
from host_sdk.errors import LockedError, NoModelError, ProtocolError, RunError
from host_sdk.inference.model import Model, make_model
from host_sdk.link.board_info import MOST_FLASH_BYTES, StoredObject
from host_sdk.link.paging import read_maps
from host_sdk.link.session import Session, read_pieces
from host_sdk.link.wire_map import WireMap
from relocatable.blob.details import MOST_DETAILS_BYTES, MOST_METADATA_BYTES, inflate, join_metadata
from relocatable.errors import BlobError

Result = TypeVar("Result")


class ModelLease:
    """The active model, lent to threads that run it, switch it, or need it to stay.

    Args:
        session: with the board.
    """

    def __init__(self, session: Session) -> None:
        self._reader = ModelReader(session)
        self._switching = threading.Lock()  # taken before _running, never the other way round
        self._running = threading.Lock()
        self._switches = 0  # goes up when a switch begins and when it ends

    def read(self) -> Model:
        """Read the active model.

        Raises:
            NoModelError: none is active.
        """
        with self._running:
            return self._reader.read()

    def run(self, work: Callable[[Model], Result]) -> tuple[Model, Result]:
        """Work with the active model; again if another took its place on the way.

        Args:
            work: runs the model.

        Returns:
            The model, and what `work` returned for it.
        """
        with self._running:
            while True:
                switches = self._switches
                model = self._reader.read()
                try:
                    result = work(model)
                except RunError:
                    if not self._was_switched(switches, model):
                        raise
                    continue
                if not self._was_switched(switches, model):
                    return model, result

    @contextlib.contextmanager
    def switch(self) -> Iterator[None]:
        """Let another model become the active one until this is left; runs go on."""
        with self._switching:
            self._switches += 1
            try:
                yield
            finally:
                self._switches += 1

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep others from running or switching a model until this is left."""
        with self._switching, self._running:
            yield

    @contextlib.contextmanager
    def pin(self) -> Iterator[Model]:
        """Read the active model, and keep others from running or switching it.

        Raises:
            NoModelError: none is active.
        """
        with self.hold():
            yield self._reader.read()

    def _was_switched(self, switches: int, model: Model) -> bool:
        may_be = self._switches != switches or switches % 2 == 1
        return may_be and self._reader.read().sha256 != model.sha256


class ModelReader:
    """A reader of the active model, of its metadata once for each blob.

    Args:
        session: with the board.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last: Model | None = None

    def read(self) -> Model:
        """Read the active model.

        Raises:
            NoModelError: none is active.
        """
        fields = WireMap(self._session.call("model"), "model")
        name, version = fields.text("name"), fields.count("version")
        sha256, last = fields.digest("sha256"), self._last
        if last and (last.name, last.version, last.sha256) == (name, version, sha256):
            return last
        self._last = self._read_new(fields, name)
        return self._last

    def _read_new(self, fields: WireMap, name: str) -> Model:
        match fields.counts("metadata"):
            case (offset, size) if size <= MOST_METADATA_BYTES:
                plain = self._get(name, offset, size)
            case _:
                rule = f"[offset, size], the size at most {MOST_METADATA_BYTES}"
                raise fields.wrong("metadata", rule)
        place = f"metadata of '{name}'"
        try:
            metadata = join_metadata(plain, self._read_details(fields, name))
            return make_model(fields, WireMap(metadata, place))
        except (BlobError, ProtocolError) as error:  # the board needs none of it
            seen = error if isinstance(error, ProtocolError) else f"{place}: {error}"
            why = f"{plain_line(str(seen))}. The board runs this model, but the host cannot read it"
            raise ProtocolError(why) from error

    def _read_details(self, fields: WireMap, name: str) -> bytes:
        if "details" not in fields:  # of a blob of format 1.0, or none
            return b""
        match fields.counts("details", MOST_FLASH_BYTES):
            case (offset, size, unpacked) if max(size, unpacked) <= MOST_DETAILS_BYTES:
                return inflate(self._get(name, offset, size), unpacked)
            case _:
                rule = f"[offset, size, unpacked size], sizes at most {MOST_DETAILS_BYTES}"
                raise fields.wrong("details", rule)

    def _get(self, name: str, offset: int, size: int) -> bytes:
        return read_pieces(self._session, "get", size, lambda at, n: (name, offset + at, n))


def active_name(session: Session) -> str:
    """Ask for the active model's name.

    Raises:
        NoModelError: none is active.
    """
    try:
        fields = WireMap(session.call("model"), "model")
        return fields.text("bundle" if "bundle" in fields else "name")
    except LockedError:  # a board whose models hosts may not read lists them
        for stored in map(StoredObject.read, read_maps(session, "ls")):
            if stored.active:
                return stored.name
        raise NoModelError("no model is active", method="ls") from None
