"""The board as a Python object."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy.typing as npt

from host_sdk.display.progress import counting, upload_bar
from host_sdk.display.table import html_table
from host_sdk.errors import RunError
from host_sdk.inference.model import CLASSES, DETECTIONS, Model, ModelReader
from host_sdk.inference.model_source import HeadSource, ModelSource, prepare_blob
from host_sdk.inference.picture import Picture, PictureInput, prepare
from host_sdk.inference.profile import Profile, make_profile
from host_sdk.inference.results import (
    Classes,
    Detections,
    read_classes,
    read_detections,
    read_found,
)
from host_sdk.inference.run import Ran, input_shapes, run, run_many
from host_sdk.inference.tensor import Array
from host_sdk.link.baud import is_raised, negotiate, restore
from host_sdk.link.board_info import BoardInfo, StoredObject
from host_sdk.link.keepalive import KeepAlive
from host_sdk.link.session import Client
from host_sdk.link.values import Value
from host_sdk.link.wire_map import Fields
from host_sdk.scripting.console import Console, TextListener
from host_sdk.scripting.events import EventCallback, Events, EventStream
from host_sdk.scripting.python import PythonService
from host_sdk.scripting.rpc import Rpc
from host_sdk.scripting.task import F, make_task
from host_sdk.store.files import get_file, read_file
from host_sdk.store.health import Confirm, check_health, trial_terms
from host_sdk.store.trial import HistoryEvent, Trial, read_history, read_trial
from host_sdk.store.upload import (
    BLOB,
    Progress,
    Sent,
    TrialTerms,
    Uploaded,
    commit,
    send,
)
from host_sdk.transports import Transport, open_transport
from host_sdk.transports.open import default_port
from host_sdk.validation import trace as tracing
from host_sdk.validation import validate as validating
from host_sdk.validation.board_runner import BoardRunner
from host_sdk.validation.report import Report
from host_sdk.validation.trace import Trace

Result = TypeVar("Result")


class Device:
    """A board, real or virtual. Thread-safe; close it, or use it in a `with`.

        with Device("/dev/ttyACM0") as board:
            board.load_model("coins.tflite")
            print(board.detect("coins.png"))

    Args:
        port: a serial port ("/dev/ttyACM0", "COM3"), a URL of pyserial ("rfc2217://HOST:PORT"),
            "socket://HOST:PORT", "sim://cortex-m55?flash=FILE", or a `Transport`. None: what
            XIPNET_PORT says, else the only USB serial port.
        baud: line speed of a serial port at first; boards start with 115200.
        baudrate: line speed to change to, together with the board: "max" tries what works. The
            line is verified, falls back where it must, and is left at 115200 by `close`.
        timeout_s: how long the board may take to answer at first.
        on_text: called with what the board prints, as it comes, in another thread; without it, see
            `stdout`.

    Attributes:
        stdout: the text that the board prints outside of `exec`: `board.stdout.read()`, or live:
            `board.stdout.listener = print`.
        rpc: the functions that `@xipnet.rpc` registered on the board: `board.rpc.name(1, k=2)`.

    Raises:
        PortNotFoundError: no such port.
        PortBusyError: another Device or program holds it.
        NoResponseError: nothing answers there.
        ProtocolVersionError: the board speaks another major version.
    """

    def __init__(
        self,
        port: str | Transport | None = None,
        *,
        baud: int = 115200,
        baudrate: int | Literal["max"] | None = None,
        timeout_s: float = 10.0,
        on_text: TextListener | None = None,
    ) -> None:
        if port is None:
            port = default_port()
        self.stdout = Console(on_text)
        transport = open_transport(port, baud) if isinstance(port, str) else port
        self._port = transport.name
        self._transport = transport
        self._client = Client(transport, self.stdout, timeout_s)
        self._baudrate = baudrate
        self._events = Events(self._client)
        self._alive = KeepAlive(self._client, self._is_depended_on, self._events.end)
        self._negotiate()
        self._python = PythonService(self._client, self.stdout)
        self.rpc = Rpc(self._client)
        self._models = ModelReader(self._client)
        self._uploading = threading.Lock()
        # Runs go on while a model is switched; what needs it to stay the same holds both locks.
        self._switching = threading.Lock()  # taken before _running, never the other way round
        self._running = threading.Lock()
        self._switches = 0  # goes up when a switch begins and when it ends
        self._tflites: dict[bytes, bytes] = {}  # SHA-256 of a blob -> what it was compiled from

    # ---- Models ----------------------------------------------------------------------------------

    def load_model(
        self,
        source: ModelSource,
        name: str | None = None,
        *,
        head: HeadSource | None = None,
        activate: bool = True,
        confirm: Confirm = "auto",
        confirm_s: int = 60,
        boots: int = 0,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Uploads a model, has the board check and test it, and makes it the active one.

        Only what the board does not hold already is sent; an interrupted upload goes on where it
        stopped. Until the new model has passed, the old one serves (docs/OTA.md).

        Args:
            source: file or bytes: a blob, or a .tflite, which is compiled for this board's CPU.
            name: in the store; by default the file's stem, or the blob's own name.
            head: post-processing for a .tflite: TOML file or mapping (docs/HEADS.md). By default
                the file of the same name ending in .toml, if there is one.
            activate: False only stores it.
            confirm: "auto": it stays once the board's own test has passed. "manual": it is on
                trial until `confirm` is called. A function of this device: it is on trial while
                that runs, and stays where that neither raises nor returns False.
            confirm_s: seconds that a trial may last; then the model before returns by itself.
            boots: starts of the board that a trial may outlast.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            ModelFileError, CompileError, ToolMissingError: nothing was sent.
            BlobError: it is not for this board, or failed its test there.
            StoreError: the store refused, see `StoreFullError`.
            HealthCheckError: `confirm` found it wrong; the model before serves again.
        """
        terms = trial_terms(confirm, confirm_s, boots, activate)
        model = prepare_blob(source, head, self._client.info)
        name = name or model.name
        if model.tflite is not None:
            self._tflites[hashlib.sha256(model.data).digest()] = model.tflite
        with self._uploading:
            with _progress(progress, name) as show:
                sent = send(self._client, name, model.data, BLOB, show)
            loaded = self._commit(sent, activate, terms)
        if callable(confirm) and loaded.pending:
            check_health(self, loaded, confirm)
            self.confirm(name)
            return replace(loaded, pending=False)
        return loaded

    def _commit(self, sent: Sent, activate: bool, terms: TrialTerms | None) -> Uploaded:
        with self._switch():
            return commit(self._client, sent, activate, terms)

    def confirm(self, name: str | None = None) -> None:
        """Ends a trial: the model stays.

        Args:
            name: of the active model on trial; None: whatever is on trial.

        Raises:
            VersionError: it is not on trial (any more).
        """
        self._client.call("confirm", self._active_name() if name is None else name)

    def rollback(self, name: str | None = None) -> int:
        """Withdraws the current version of a model: the one before returns, and is active again.

        Args:
            name: of the model; None: the active one.

        Returns:
            The version that is current now; 0 where the name had no earlier one (a model that was
            on trial; what was active before is again).

        Raises:
            VersionError: there is no earlier version.
        """
        with self._switch():
            name = self._active_name() if name is None else name
            result = self._client.call("rollback", name, timeout_s=60.0)
        return Fields(result, "rollback").integer("version")

    def trial(self) -> Trial | None:
        """What is on trial; None: nothing."""
        return read_trial(self._client)

    def history(self, name: str | None = None) -> list[HistoryEvent]:
        """What befell a model, oldest first, as far back as the board remembers.

        Args:
            name: of the model; None: the active one.
        """
        return read_history(self._client, self._active_name() if name is None else name)

    def _active_name(self) -> str:
        return Fields(self._client.call("model"), "model").text("name")

    def model(self) -> Model:
        """The active model: inputs, outputs, steps, labels.

        Raises:
            NoModelError: none is active.
        """
        with self._running:
            return self._models.read()

    def models(self) -> list[StoredObject]:
        """The models in the store."""
        return [o for o in self.objects() if o.type == "blob"]

    def objects(self) -> list[StoredObject]:
        """Everything in the store."""
        found: list[StoredObject] = []
        while True:
            page = Fields({"ls": self._client.call("ls", len(found))}, "ls").maps("ls")
            if not page:
                return found
            found += [StoredObject.read(item) for item in page]

    def activate(self, name: str) -> None:
        """Makes a stored model the active one, also after a reset.

        Raises:
            ModelNotFoundError: no such model.
        """
        with self._switch():
            self._client.call("activate", name, timeout_s=60.0)

    def delete(self, name: str) -> None:
        """Deletes an object from the store.

        Raises:
            ModelNotFoundError: no such object.
        """
        with self._still():
            self._client.call("rm", name)

    # ---- Files -----------------------------------------------------------------------------------

    def put(
        self,
        name: str | os.PathLike[str],
        source: bytes | str | os.PathLike[str] | None = None,
        *,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Puts a file into the store: a script, bytecode (.mpy), data. The old one of that name
        stays until the new one is whole.

            board.put("main.py")                     # runs at the next start
            board.put("lib.py", b"def f(): return 1")
            board.put("labels.txt", "data/labels-v2.txt")

        Args:
            name: in the store; alone, also the path of the file, whose last part is the name.
            source: the contents, or the path of a file.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            InputError: the file cannot be read or is empty.
            StoreError: the store refused.
        """
        if source is None:
            name, source = os.path.basename(name), name
        name = os.fspath(name)
        data, kind = read_file(name, source)
        with self._uploading:
            with _progress(progress, name) as show:
                sent = send(self._client, name, data, kind, show)
            return self._commit(sent, activate=False, terms=None)

    def get(self, name: str) -> bytes:
        """The contents of an object of the store.

        Raises:
            ModelNotFoundError: no such object.
        """
        return get_file(self._client, name)

    def ls(self) -> list[StoredObject]:
        """Everything in the store: the same as `objects`."""
        return self.objects()

    def rm(self, name: str) -> None:
        """Deletes an object from the store: the same as `delete`."""
        self.delete(name)

    # ---- Running ---------------------------------------------------------------------------------

    def infer(self, *inputs: npt.ArrayLike, raw: bool = False) -> Array | tuple[Array, ...]:
        """Runs the active model.

        Args:
            inputs: one array for each input, of its shape (dimensions of 1 may be left out). Of the
                input's own dtype it is taken as it is; floats are real values and are quantised.
            raw: give the outputs in the model's dtype, instead of real values (float32).

        Returns:
            The output, in the model's shape; a tuple of all where there are several.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            NoModelError: none is active.
        """
        model, ran = self._on_model(lambda m: (m, self._run(m, _encode(m, inputs))))
        return _decode(model, ran, raw)

    def infer_many(
        self,
        inputs: Iterable[npt.ArrayLike | tuple[npt.ArrayLike, ...]],
        *,
        raw: bool = False,
    ) -> Iterator[Array | tuple[Array, ...]]:
        """Runs the active model for many inputs: the next travel while the model runs.

            for x, y in zip(images, board.infer_many(images)): ...

        Args:
            inputs: as for `infer`, one after another, taken a few ahead; of a model with several
                inputs, tuples of them. The model must stay the active one meanwhile.
            raw: see `infer`.

        Yields:
            What `infer` returns, in order, as it comes.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            NoModelError: none is active.
        """
        with self._running:
            model = self._models.read()
        samples = (_encode(model, x if isinstance(x, tuple) else (x,)) for x in inputs)
        result_bytes = sum(t.size_bytes for t in model.outputs)
        for ran in run_many(self._client, samples, result_bytes, shapes=input_shapes(model)):
            yield _decode(model, ran, raw)

    def detect(self, picture: Picture, *, threshold: float = 0.0) -> Detections:
        """Finds things in a picture with the active model's detector.

        Args:
            picture: file name, Pillow image, or array uint8 [H, W], [H, W, 3]; fitted into the
                model's input with its aspect ratio kept.
            threshold: leaves out scores below it; scores below the model's own never appear.

        Returns:
            By falling score; boxes in the picture's own pixels.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model gives no detections.
        """
        model, ready, ran = self._on_model(lambda m: self._see(m, picture, m.entry(DETECTIONS)))
        found = read_detections(ran.data, model, ready.letterbox)
        return Detections([d for d in found if d.score >= threshold], ready.picture, ran.us)

    def classify(self, picture: Picture, *, threshold: float = 0.0) -> Classes:
        """Classifies a picture with the active model; arguments as for `detect`.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model gives no classes.
        """
        model, _, ran = self._on_model(lambda m: self._see(m, picture, m.entry(CLASSES)))
        found = read_classes(ran.data, model)
        return Classes([c for c in found if c.score >= threshold], ran.us)

    def run_head(self, picture: Picture) -> list[tuple[Any, ...]]:
        """Finds in a picture what the active model's head looks for, whatever that is.

        Args:
            picture: as for `detect`.

        Returns:
            A named tuple for each thing found, with the fields that the model's blob describes;
            points are in the picture's own pixels.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model has no head.
        """
        model, ready, ran = self._on_model(lambda m: self._see(m, picture, m.head()[0]))
        return read_found(ran.data, model, ready.letterbox)

    def profile(self, *inputs: npt.ArrayLike) -> Profile:
        """Measures each step of a run, the head's too.

        Args:
            inputs: as for `infer`; none: zeros.
        """
        with self._still():
            model = self._models.read()
            data = _encode(model, inputs) if inputs else [bytes(t.size_bytes) for t in model.inputs]
            ran: Ran = run(self._client, data, len(model.entries) - 1, profile=True)
        return make_profile(model, ran)

    def _see(self, model: Model, picture: Picture, entry: int) -> tuple[Model, PictureInput, Ran]:
        ready = prepare(picture, model)
        return model, ready, self._run(model, [ready.values.tobytes()], entry)

    def _run(self, model: Model, inputs: list[bytes], entry: int = 0) -> Ran:
        return run(self._client, inputs, entry, shapes=input_shapes(model))

    def _on_model(self, work: Callable[[Model], Result]) -> Result:
        """Works with the active model; again where another took its place on the way."""
        with self._running:
            while True:
                switches = self._switches
                model = self._models.read()
                try:
                    result = work(model)
                except RunError:
                    if not self._was_switched(switches, model):
                        raise
                    continue
                if not self._was_switched(switches, model):
                    return result

    def _was_switched(self, switches: int, model: Model) -> bool:
        may_be = self._switches != switches or switches % 2 == 1
        return may_be and self._models.read().sha256 != model.sha256

    @contextlib.contextmanager
    def _switch(self) -> Iterator[None]:
        """Another model may become the active one meanwhile; runs go on."""
        with self._switching:
            self._switches += 1
            try:
                yield
            finally:
                self._switches += 1

    @contextlib.contextmanager
    def _still(self) -> Iterator[None]:
        """The active model stays the same meanwhile, and nobody else runs it."""
        with self._switching, self._running:
            yield

    # ---- Validation ------------------------------------------------------------------------------

    def validate(
        self,
        x: npt.ArrayLike | Sequence[npt.ArrayLike],
        y: npt.ArrayLike | None = None,
        reference: str | None = "litert",
        *,
        tflite: ModelSource | None = None,
        limit: int | None = None,
        progress: Progress | bool = False,
    ) -> Report:
        """Runs many samples through the active model and says how right and how fast it is.

        Other threads' runs and changes of the active model wait until it is done.

        Args:
            x: samples [N, ...]; a tuple of arrays where the model has several inputs. Of the
                input's own dtype they are taken as they are; floats are real values; uint8 for
                another dtype are pixels (docs/VALIDATION.md).
            y: class of each sample, integers [N]; the classes are the first output's elements.
            reference: "litert" compares each output with LiteRT's reference kernels, "none" not.
            tflite: the model's .tflite, for the reference; by default the one that this Device
                compiled into the active model. Without it the report says that there is none.
            limit: only the first samples.
            progress: called with (done, total) samples; True shows a bar.

        Raises:
            ShapeError, DtypeError, InputError: samples or labels do not fit.
            NoModelError: none is active.
        """
        with self._still():
            runner, known = self._runner()
            with counting(progress, f"validating {runner.model.name}") as show:
                return validating.validate(
                    runner,
                    x,
                    y,
                    reference=reference,
                    tflite=known if tflite is None else tflite,
                    limit=limit,
                    progress=show,
                )

    def trace(
        self,
        *inputs: npt.ArrayLike,
        reference: str | None = "litert",
        tflite: ModelSource | None = None,
    ) -> Trace:
        """Runs the active model step by step, reads every tensor back and compares it.

        Args:
            inputs: as for `infer`; none: random ones, always the same.
            reference: as for `validate`.
            tflite: as for `validate`.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            NoModelError: none is active.
        """
        with self._still():
            runner, known = self._runner()
            arrays = runner.model.fit(inputs) if inputs else tracing.random_inputs(runner.model)
            return tracing.trace(runner, arrays, reference, known if tflite is None else tflite)

    def _runner(self) -> tuple[BoardRunner, bytes | None]:
        model = self._models.read()
        return BoardRunner(self._client, model), self._tflites.get(model.sha256)

    # ---- Python on the board ---------------------------------------------------------------------

    def exec(self, source: str, *, timeout_s: float | None = None) -> str:
        """Runs Python on the board, in the REPL's `__main__`.

        Args:
            source: of any length.
            timeout_s: None waits for ever. Ctrl-C interrupts the board, too.

        Returns:
            What it printed.

        Raises:
            PythonError: it raised; holds the device's traceback and what was printed before.
            BusyError: the board runs another source.
        """
        return self._python.exec(source, timeout_s)

    def eval(self, source: str, *, timeout_s: float | None = None) -> Value:
        """The value of a Python expression on the board, of a type that MessagePack carries.

        Raises:
            PythonError: it raised, or the value is of another type.
        """
        return self._python.eval(source, timeout_s)

    def task(self, function: F) -> F:
        """Decorates a function of this program so that it runs on the board.

            @board.task
            def blink(times, pause_ms=100):
                from machine import Pin
                ...

        Its source goes to the board at once, and it becomes an rpc function of its name there. It
        uses its arguments, what it imports itself, and the board's globals; nothing of this
        program. Arguments and results are as for `rpc`.

        Raises:
            InputError: its source cannot stand alone.
            PythonError: the board cannot compile it.
        """
        return make_task(function, self._python, self.rpc)

    def on(self, topic: str, callback: EventCallback) -> Callable[[], None]:
        """Calls back with each value that the board emits under a topic, in another thread.

        Args:
            topic: first argument of `xipnet.emit(topic, value)` on the board.
            callback: gets the value; it may use the board.

        Returns:
            A function that ends it.
        """
        off = self._events.on(topic, callback)
        self._alive.start()
        return off

    def events(self, *topics: str, timeout_s: float | None = None) -> EventStream:
        """What the board emits from now on, to be iterated: `for event in board.events(): ...`.

        Args:
            topics: of these only; none: of all.
            timeout_s: ends when nothing came for so long; None waits for ever. While somebody
                listens, a silent board is asked for a sign of life every other second; one that is
                gone ends the iteration with a `LinkError`.
        """
        stream = self._events.listen(topics, timeout_s)
        self._alive.start()
        return stream

    @property
    def lost_events(self) -> int:
        """Events that the line lost, known by the gaps in their numbers."""
        return self._events.lost

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt in the Python that runs on the board."""
        self._python.interrupt()

    def write_text(self, text: bytes) -> None:
        """Types into the board's REPL."""
        self._client.link.write_text(text)

    # ---- The board -------------------------------------------------------------------------------

    def ping(self, value: Value = None) -> Value:
        """Gives back a value from the board; whatever runs there, this is answered at once."""
        return self._client.call("ping", value)

    def info(self) -> BoardInfo:
        """The board, its firmware and its limits, read anew."""
        return self._client.refresh()

    def reset(self, *, safe: bool = False, timeout_s: float = 10.0) -> None:
        """Restarts the board and waits until it is there again.

        Args:
            safe: do not run its scripts boot and main this time.
            timeout_s: how long that may take.
        """
        with self._still():
            restore(self._client, self._transport)
            self._client.restart(timeout_s, safe)
            self._negotiate()

    @property
    def baud(self) -> int:
        """Bits per second of the line now; 0 where it has no speed, as on USB or in a simulator."""
        return getattr(self._transport, "baud", 0)

    @property
    def is_open(self) -> bool:
        """False once the port is closed or gone."""
        return self._client.link.is_open

    def close(self) -> None:
        """Frees the port; ends a simulated board. Calling it again does nothing."""
        self._events.stop()
        if self.is_open:
            restore(self._client, self._transport)
        self._client.close()

    def _negotiate(self) -> None:
        if self._baudrate is None:
            return
        try:
            negotiate(self._client, self._transport, self._baudrate)
        except BaseException:
            self._client.close()
            raise
        self._alive.start()

    def _is_depended_on(self) -> bool:
        return self._events.is_heard or is_raised(self._transport)

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        i = self._client.info
        return f"<Device {self._port}: {i.board} ({i.cpu}), firmware {i.firmware}>"

    def _repr_html_(self) -> str:
        i = self._client.info
        rows: list[list[Any]] = [
            ["board", f"{i.board} ({i.cpu})"],
            ["firmware", f"{i.firmware}, MicroPython {i.micropython}"],
            ["flash", f"{i.free_bytes:,} of {i.flash_bytes:,} bytes free"],
            ["RAM for models", f"{i.arena_bytes:,} bytes"],
            ["last start", str(i.boot) + (f", safe mode by {i.safe}" if i.safe else "")],
        ]
        return html_table(self._port, ("", ""), rows)


def _encode(model: Model, inputs: tuple[npt.ArrayLike, ...]) -> list[bytes]:
    return [x.tobytes() for x in model.fit(inputs)]


def _decode(model: Model, ran: Ran, raw: bool) -> Array | tuple[Array, ...]:
    pairs = zip(model.outputs, model.read_outputs(ran.data), strict=True)
    outputs = [values if raw else tensor.dequantise(values) for tensor, values in pairs]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


@contextlib.contextmanager
def _progress(progress: Progress | bool, title: str) -> Iterator[Progress | None]:
    if progress is True:
        with upload_bar(title) as show:
            yield show
    else:
        yield progress or None
