"""The board as a Python object."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

from host_sdk.client import Client
from host_sdk.errors import ShapeError
from host_sdk.fields import Fields
from host_sdk.image import Picture, prepare
from host_sdk.info import BoardInfo, StoredObject
from host_sdk.messages import Value
from host_sdk.model import CLASSES, DETECTIONS, Model, ModelReader
from host_sdk.modelfile import HeadSource, ModelSource, prepare_blob
from host_sdk.profile import Profile, make_profile
from host_sdk.progress import upload_bar
from host_sdk.python import PythonService
from host_sdk.result import Classes, Detections, read_classes, read_detections
from host_sdk.running import Ran, run
from host_sdk.stdout import Console, TextListener
from host_sdk.table import html_table
from host_sdk.tensor import Array
from host_sdk.transports import Transport, open_transport
from host_sdk.transports.open import default_port
from host_sdk.upload import BLOB, Progress, Uploaded, commit, send


class Device:
    """A board, real or virtual. Thread-safe; close it, or use it in a `with`.

        with Device("/dev/ttyACM0") as board:
            board.load_model("coins.tflite")
            print(board.detect("coins.png"))

    Args:
        port: a serial port ("/dev/ttyACM0", "COM3"), a URL of pyserial ("rfc2217://HOST:PORT"),
            "socket://HOST:PORT", "sim://cortex-m55?flash=FILE", or a `Transport`. None: what
            XIPNET_PORT says, else the only USB serial port.
        baud: line speed of a serial port.
        timeout_s: how long the board may take to answer at first.
        on_text: called with what the board prints, as it comes, in another thread; without it, see
            `stdout`.

    Attributes:
        stdout: the text that the board prints outside of `exec`: `board.stdout.read()`.

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
        timeout_s: float = 10.0,
        on_text: TextListener | None = None,
    ) -> None:
        if port is None:
            port = default_port()
        self.stdout = Console(on_text)
        transport = open_transport(port, baud) if isinstance(port, str) else port
        self._port = transport.name
        self._client = Client(transport, self.stdout, timeout_s)
        self._python = PythonService(self._client, self.stdout)
        self._models = ModelReader(self._client)
        self._uploading = threading.Lock()
        self._running = threading.Lock()  # the active model stays the same while it is held

    # ---- Models ----------------------------------------------------------------------------------

    def load_model(
        self,
        source: ModelSource,
        name: str | None = None,
        *,
        head: HeadSource | None = None,
        activate: bool = True,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Uploads a model, has the board check and test it, and makes it the active one.

        Nothing is sent where the board holds the same bytes; an interrupted upload goes on where it
        stopped. Until the new model has passed, the old one of that name stays.

        Args:
            source: file or bytes: a blob, or a .tflite, which is compiled for this board's CPU.
            name: in the store; by default the file's stem, or the blob's own name.
            head: post-processing for a .tflite: TOML file or mapping (docs/HEADS.md). By default
                the file of the same name ending in .toml, if there is one.
            activate: False only stores it.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            ModelFileError, CompileError, ToolMissingError: nothing was sent.
            BlobError: it is not for this board, or failed its test there.
            StoreError: the store refused, see `StoreFullError`.
        """
        model = prepare_blob(source, head, self._client.info)
        name = name or model.name
        with self._uploading:
            with _progress(progress, name) as show:
                sent = send(self._client, name, model.data, BLOB, show)
            with self._running:
                return commit(self._client, sent, activate)

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
        with self._running:
            self._client.call("activate", name, timeout_s=60.0)

    def delete(self, name: str) -> None:
        """Deletes an object from the store.

        Raises:
            ModelNotFoundError: no such object.
        """
        with self._running:
            self._client.call("rm", name)

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
        with self._running:
            model = self._models.read()
            ran = run(self._client, _encode(model, inputs))
        outputs, at = [], 0
        for tensor in model.outputs:
            values = tensor.read_values(ran.data[at : at + tensor.size_bytes])
            outputs.append(values if raw else tensor.dequantise(values))
            at += tensor.size_bytes
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

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
        with self._running:
            model = self._models.read()
            entry = model.entry(DETECTIONS)
            ready = prepare(picture, model)
            ran = run(self._client, [ready.values.tobytes()], entry)
        found = read_detections(ran.data, model, ready.letterbox)
        return Detections([d for d in found if d.score >= threshold], ready.picture, ran.us)

    def classify(self, picture: Picture, *, threshold: float = 0.0) -> Classes:
        """Classifies a picture with the active model; arguments as for `detect`.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model gives no classes.
        """
        with self._running:
            model = self._models.read()
            entry = model.entry(CLASSES)
            ready = prepare(picture, model)
            ran = run(self._client, [ready.values.tobytes()], entry)
        found = read_classes(ran.data, model)
        return Classes([c for c in found if c.score >= threshold], ran.us)

    def profile(self, *inputs: npt.ArrayLike) -> Profile:
        """Measures each step of a run, the head's too.

        Args:
            inputs: as for `infer`; none: zeros.
        """
        with self._running:
            model = self._models.read()
            data = _encode(model, inputs) if inputs else [bytes(t.size_bytes) for t in model.inputs]
            ran: Ran = run(self._client, data, len(model.entries) - 1, profile=True)
        return make_profile(model, ran)

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

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt in the Python that runs on the board."""
        self._python.interrupt()

    def write_text(self, text: bytes) -> None:
        """Types into the board's REPL."""
        self._client.link.write_text(text)

    # ---- The board -------------------------------------------------------------------------------

    def info(self) -> BoardInfo:
        """The board, its firmware and its limits, read anew."""
        return self._client.refresh()

    def reset(self, *, timeout_s: float = 10.0) -> None:
        """Restarts the board and waits until it is there again."""
        with self._running:
            self._client.restart(timeout_s)

    @property
    def is_open(self) -> bool:
        """False once the port is closed or gone."""
        return self._client.link.is_open

    def close(self) -> None:
        """Frees the port; ends a simulated board. Calling it again does nothing."""
        self._client.close()

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
            ["last start", str(i.boot)],
        ]
        return html_table(self._port, ("", ""), rows)


def _encode(model: Model, inputs: tuple[npt.ArrayLike, ...]) -> list[bytes]:
    if len(inputs) != len(model.inputs):
        names = ", ".join(f"'{t.name}' {t}" for t in model.inputs)
        raise ShapeError(
            f"model '{model.name}' must get {len(model.inputs)} inputs ({names}); got {len(inputs)}"
        )
    return [t.fit(x).tobytes() for t, x in zip(model.inputs, inputs, strict=True)]


@contextlib.contextmanager
def _progress(progress: Progress | bool, title: str) -> Iterator[Progress | None]:
    if progress is True:
        with upload_bar(title) as show:
            yield show
    else:
        yield progress or None
