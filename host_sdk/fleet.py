"""The swap of a model or a bundle on many boards; each has its own result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from host_sdk.bundle.prepare import BundleSource, is_pipeline, prepare_bundle
from host_sdk.device import Confirm, Device
from host_sdk.display.progress import Progress
from host_sdk.display.table import html_table, text_table
from host_sdk.errors import InputError, XipnetError
from host_sdk.inference.model_source import (
    HeadSource,
    ModelFile,
    ModelSource,
    OpenedModel,
    Weights,
    open_model,
    prepare_blob,
)
from host_sdk.inference.weights_files import WeightsFile
from host_sdk.link.board_info import BoardInfo
from host_sdk.store.files import BLOB, BUNDLE, NewObject
from host_sdk.store.upload import Uploaded
from host_sdk.trust.sealing import SealSource, seal_for, with_seal

# progress(port, done_bytes, total_bytes), from several threads
SwapProgress = Callable[[str, int, int], None]

T = TypeVar("T")

_MOST_AT_ONCE = 32
_COLUMNS = ("port", "board", "version", "sent", "time", "pause", "result")


@dataclass(frozen=True)
class Swap:
    """The result of one board.

    Attributes:
        port: of the board.
        board: its name; "" if it was not reached.
        loaded: what the board says of the model; None if the previous model still serves.
        seconds: from opening the port to the end.
        error: why the previous model still serves; None if the new one does.
    """

    port: str
    board: str
    loaded: Uploaded | None
    seconds: float
    error: XipnetError | None

    @property
    def ok(self) -> bool:
        """True if the board took the model."""
        return self.error is None

    def cells(self) -> tuple[str, ...]:
        """Give a line of the table."""
        time_s = f"{self.seconds:.1f} s"
        if self.loaded is None:
            return self.port, self.board or "-", "-", "-", time_s, "-", f"failed: {self.error}"
        loaded = self.loaded
        pause = "-" if loaded.pause_us is None else f"{loaded.pause_us / 1000:.1f} ms"
        state = "on trial" if loaded.pending else "active"
        version, sent = str(loaded.version), f"{loaded.sent_bytes:,} B"
        return self.port, self.board, version, sent, time_s, pause, state


class Swaps(tuple[Swap, ...]):
    """The results, in the order of the ports; shows itself as a table."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """True if every board took the model."""
        return all(swap.ok for swap in self)

    def __repr__(self) -> str:
        return text_table(self._title(), _COLUMNS, [s.cells() for s in self])

    def _repr_html_(self) -> str:
        return html_table(self._title(), _COLUMNS, [s.cells() for s in self])

    def _title(self) -> str:
        return f"{sum(s.ok for s in self)} of {len(self)} boards took the model"


def swap_models(
    ports: Sequence[str],
    source: ModelSource,
    name: str | None = None,
    *,
    head: HeadSource | None = None,
    ops: str | None = None,
    weights: Weights = "inside",
    confirm: Confirm = "auto",
    confirm_s: int = 60,
    boots: int = 0,
    seal: SealSource | None = None,
    trust: bool = False,
    baud: int = 115200,
    progress: SwapProgress | None = None,
) -> Swaps:
    """Load a model into boards, all at once; compile it once for each kind of CPU.

    A board that fails keeps the previous model, and does not stop the others.

    Args:
        ports: of the boards, see `Device`.
        source: this and the next eight: see `Device.load_model`.
        name: in the stores.
        head: post-processing for a .tflite.
        weights: of a .tflite.
        confirm: who decides whether the model stays; a function is called once for each board, in
            several threads.
        confirm_s: seconds that a trial may last.
        boots: starts of the board that a trial may outlast.
        seal: a signer seals once for each kind of CPU.
        trust: see `Device.load_model`.
        baud: speed of serial ports.
        progress: called with (port, done, total) bytes, in several threads.

    Raises:
        InputError: there is no port, or one is named twice.
    """
    made = _models(source, name, head, ops, weights, seal, trust)

    def load(board: Device, show: Progress | bool) -> Uploaded:
        model, model_seal = made.of(board.info())
        return board.load_model(
            OpenedModel("the model", model.name, model.data, None, _known(model)),
            model.name,
            seal=model_seal,
            confirm=confirm,
            confirm_s=confirm_s,
            boots=boots,
            progress=show,
        )

    return _swap_all(ports, baud, load, progress)


def swap_bundles(
    ports: Sequence[str],
    source: BundleSource,
    name: str | None = None,
    *,
    confirm: Confirm = "auto",
    confirm_s: int = 60,
    boots: int = 0,
    seal: SealSource | None = None,
    baud: int = 115200,
    progress: SwapProgress | None = None,
) -> Swaps:
    """Load a bundle into boards at once; compile it once for each kind of CPU.

    A board that fails keeps all of what it had, and does not stop the others.

    Args:
        ports: of the boards, see `Device`.
        source: this and the next: see `Device.load_bundle`.
        name: in the stores.
        confirm: this and the next five: see `swap_models`.

    Raises:
        InputError: there is no port, or one is named twice.
    """
    is_made = not isinstance(source, bytes) and is_pipeline(source)

    def prepare(board: BoardInfo) -> NewObject:
        bundle = prepare_bundle(source, board)
        return NewObject(name or bundle.name, bundle.data, BUNDLE)

    made = _PerCpu(prepare, lambda bundle: bundle, lambda _: seal_for(source, seal, is_made))

    def load(board: Device, show: Progress | bool) -> Uploaded:
        bundle, bundle_seal = made.of(board.info())
        return board.load_bundle(
            bundle.data,
            bundle.name,
            seal=bundle_seal,
            confirm=confirm,
            confirm_s=confirm_s,
            boots=boots,
            progress=show,
        )

    return _swap_all(ports, baud, load, progress)


def _swap_all(
    ports: Sequence[str],
    baud: int,
    load: Callable[[Device, Progress | bool], Uploaded],
    progress: SwapProgress | None,
) -> Swaps:
    if not ports or len(set(ports)) != len(ports):
        raise InputError(f"ports must be at least one, each named once; are {list(ports)}")
    devices = _OpenDevices()

    def swap(port: str) -> Swap:
        start, board_name, loaded, cause = time.monotonic(), "", None, None
        try:
            with devices.open(port, baud) as board:
                board_name = board.info().board
                loaded = load(board, _for_port(port, progress) or False)
        except XipnetError as error:
            cause = error
        return Swap(port, board_name, loaded, time.monotonic() - start, cause)

    with ThreadPoolExecutor(min(len(ports), _MOST_AT_ONCE)) as pool:
        try:
            return Swaps(pool.map(swap, ports))
        except BaseException:  # Ctrl-C: uploads under way would otherwise go on to their end
            pool.shutdown(wait=False, cancel_futures=True)
            devices.close()
            raise


def _known(model: ModelFile) -> tuple[WeightsFile, ...]:
    return () if model.weights is None else (model.weights,)


def _for_port(port: str, progress: SwapProgress | None) -> Progress | None:
    return None if progress is None else lambda done, total: progress(port, done, total)


def _models(
    source: ModelSource,
    name: str | None,
    head: HeadSource | None,
    ops: str | None,
    weights: Weights,
    seal: SealSource | None,
    trust: bool,
) -> _PerCpu[ModelFile]:
    """Compile a model for each CPU; it is converted once, if it is another tool's."""
    opened: list[OpenedModel] = []

    def prepare(board: BoardInfo) -> ModelFile:
        if not opened:
            opened.append(open_model(source, trust))
        made = prepare_blob(opened[0], head, board, ops=ops, weights=weights)
        return replace(made, name=name or made.name)

    return _PerCpu(
        prepare,
        lambda model: NewObject(model.name, model.data, BLOB),
        lambda model: seal_for(source, seal, model.tflite is not None),
    )


class _PerCpu(Generic[T]):
    """What boards get, made and sealed once for each CPU however many boards ask."""

    def __init__(
        self,
        prepare: Callable[[BoardInfo], T],
        stored: Callable[[T], NewObject],
        seal: Callable[[T], SealSource | None],
    ) -> None:
        self._prepare = prepare
        self._stored = stored
        self._seal = seal
        self._made: dict[str, T] = {}
        self._seals: dict[str, bytes | None] = {}
        self._lock = threading.Lock()

    def of(self, board: BoardInfo) -> tuple[T, SealSource | None]:
        """Return it and its seal; a board of the open build gets that as it was given."""
        with self._lock:
            if board.cpu not in self._made:
                self._made[board.cpu] = self._prepare(board)
            made = self._made[board.cpu]
            seal = self._seal(made)
            if board.trust is None:
                return made, seal
            if board.cpu not in self._seals:
                self._seals[board.cpu] = with_seal(board, self._stored(made), seal).new.seal
            return made, self._seals[board.cpu]


class _OpenDevices:
    """The devices under way, to close them all at once."""

    def __init__(self) -> None:
        self._devices: list[Device] = []
        self._closed = False
        self._lock = threading.Lock()

    def open(self, port: str, baud: int) -> Device:
        device = Device(port, baud=baud)
        with self._lock:
            self._devices.append(device)
            if self._closed:
                device.close()
        return device

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for device in self._devices:
                device.close()
