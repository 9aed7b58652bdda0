"""The active model: read, switched, pinned. Runs go on while it is switched."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from host_sdk.errors import ProtocolError, RunError
from host_sdk.inference.model import Model, make_model
from host_sdk.link.session import Session, pieces
from host_sdk.link.wire_map import WireMap
from relocatable.blob.details import inflate, join_metadata
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
        name, version = fields.text("name"), fields.integer("version")
        sha256, last = fields.data("sha256"), self._last
        if last and (last.name, last.version, last.sha256) == (name, version, sha256):
            return last
        self._last = self._read_new(fields, name)
        return self._last

    def _read_new(self, fields: WireMap, name: str) -> Model:
        match fields.integers("metadata"):
            case (offset, size):
                plain = _read_object(self._session, name, offset, size)
            case _:
                raise fields.wrong("metadata", "[offset, size]")
        place = f"metadata of '{name}'"
        try:
            metadata = join_metadata(plain, self._read_details(fields, name))
        except BlobError as error:
            raise ProtocolError(f"{place}: {error}") from error
        return make_model(fields, WireMap(metadata, place))

    def _read_details(self, fields: WireMap, name: str) -> bytes:
        if "details" not in fields:  # of a blob of format 1.0, or none
            return b""
        match fields.integers("details"):
            case (offset, size, unpacked):
                return inflate(_read_object(self._session, name, offset, size), unpacked)
            case _:
                raise fields.wrong("details", "[offset, size, unpacked size]")


def active_name(session: Session) -> str:
    """Ask for the active model's name.

    Raises:
        NoModelError: none is active.
    """
    return WireMap(session.call("model"), "model").text("name")


def _read_object(session: Session, name: str, offset: int, size: int) -> bytes:
    """Read bytes of an object in the store."""
    calls = ((name, offset + at, wanted) for at, wanted in pieces(session, size))
    parts = session.stream("get", calls)
    data = b"".join(part for part in parts if isinstance(part, bytes))
    if len(data) != size:
        raise ProtocolError(f"get '{name}': must give {size} bytes at {offset}; gave {len(data)}")
    return data
