"""A board that runs models, as a Python object."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from host_sdk.bundle.changes import BundleChanges, changes_of
from host_sdk.bundle.members import with_members
from host_sdk.bundle.prepare import BundleSource, is_pipeline, prepare_bundle
from host_sdk.connection import Connection, MaxBaud, warn_of_old_name
from host_sdk.display.progress import Progress, byte_progress, count_progress
from host_sdk.errors import SealError, WeightsMissingError
from host_sdk.inference.infer import (
    infer,
    infer_head,
    infer_many,
    infer_picture,
    profile,
    read_outputs,
)
from host_sdk.inference.lease import ModelLease, active_name
from host_sdk.inference.model import CLASSES, Inputs, Model, Named
from host_sdk.inference.model_source import (
    FileSource,
    HeadSource,
    ModelFile,
    ModelSource,
    OpenedModel,
    Optimize,
    Weights,
    prepare_blob,
)
from host_sdk.inference.picture import Picture
from host_sdk.inference.profile import Profile
from host_sdk.inference.results import (
    Classes,
    Detections,
    read_classes,
    read_detections,
    read_found,
)
from host_sdk.inference.tensor import Array
from host_sdk.link.board_info import StoredObject
from host_sdk.link.wire_map import WireMap
from host_sdk.scripting.console import TextListener
from host_sdk.store.blob_cache import recall
from host_sdk.store.files import (
    BLOB,
    BUNDLE,
    WEIGHTS,
    NewObject,
    check_objects,
    get_file,
    list_objects,
    own_name,
    read_file,
)
from host_sdk.store.inventory import read_lost
from host_sdk.store.raw_flash import BoardFlash
from host_sdk.store.rescue import Rescue, rescue
from host_sdk.store.trial import (
    HistoryEvent,
    Trial,
    TrialTerms,
    check_health,
    read_history,
    read_trial,
    trial_terms,
)
from host_sdk.store.upload import Uploaded, commit, stage
from host_sdk.store.weights import find_stored, is_kept, weights_name, with_needs
from host_sdk.streams.live import Live, take_all
from host_sdk.streams.stream import Stream
from host_sdk.streams.windows import StreamSource, open_windows
from host_sdk.transports import Transport
from host_sdk.trust.sealing import (
    SealSource,
    say_how_to_sign,
    seal_beside,
    seal_for,
    with_seal,
)
from host_sdk.trust.signers import Signer
from host_sdk.validation.board_runner import BoardRunner
from host_sdk.validation.report import Report
from host_sdk.validation.trace import Trace, random_inputs, trace
from host_sdk.validation.validate import validate
from relocatable.blob.blob import Need
from relocatable.blob.ports import Outputs

HealthCheck: TypeAlias = "Callable[[Device], bool | None]"
Confirm: TypeAlias = "Literal['auto', 'manual'] | HealthCheck"


class Device(Connection):
    """A board, real or virtual. Thread-safe; close it, or use it in a `with`.

        with Device("/dev/ttyACM0") as board:
            board.load_model("coins.tflite")
            print(board.detect("coins.png"))

    Args:
        port: a serial port ("/dev/ttyACM0", "COM3"), a URL of pyserial ("rfc2217://HOST:PORT"),
            "socket://HOST:PORT", "sim://cortex-m55?flash=FILE", or a `Transport`. None: what
            XIPNET_PORT says, else the only USB serial port, or the only one with MicroPython's id.
        baud: speed of a serial port at first; boards start with 115200.
        max_baud: speed to raise the line to, together with the board: bits per second, or "max"
            for the fastest that works. The line is verified, falls back if it must, and is left
            at 115200 by `close`.
        timeout_s: how long the board may take to answer at first.
        on_text: called with what the board prints, as it comes, in another thread; without it, see
            `stdout`.
        baudrate: deprecated name of `max_baud`.

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
        max_baud: MaxBaud = None,
        timeout_s: float = 10.0,
        on_text: TextListener | None = None,
        baudrate: MaxBaud = None,
    ) -> None:
        if baudrate is not None:
            warn_of_old_name("Device(baudrate=...)", "Device(max_baud=...)")
            max_baud = baudrate
        super().__init__(port, baud, max_baud, timeout_s, on_text)
        self._lease = ModelLease(self._session)
        self._uploading = threading.Lock()
        self._tflites: dict[bytes, bytes] = {}  # SHA-256 of a blob -> what it was compiled from

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(self, *, safe: bool = False, timeout_s: float = 10.0) -> None:
        """Restart the board and wait until it is there again.

        Args:
            safe: do not run its scripts boot and main this time.
            timeout_s: how long that may take.
        """
        with self._lease.hold():
            self._restart(safe, timeout_s)

    # ---- Models ----------------------------------------------------------------------------------

    def load_model(
        self,
        source: ModelSource | OpenedModel,
        name: str | None = None,
        *,
        head: HeadSource | None = None,
        optimize: Optimize = "speed",
        max_ram: int | None = None,
        ops: str | None = None,
        weights: Weights = "inside",
        activate: bool = True,
        confirm: Confirm = "auto",
        confirm_s: int = 60,
        boots: int = 0,
        seal: SealSource | None = None,
        trust: bool = False,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Upload a model, have the board check and test it, and make it active.

        Only what the board does not hold already is sent; an interrupted upload
        continues. Until the new model has passed, the old one serves (docs/OTA.md).

        Args:
            source: a file or bytes: a blob, or a .tflite, which is compiled for this board's CPU; a
                Keras model, which is made a .tflite first: .keras, .h5, a SavedModel's folder, or a
                live one (docs/KERAS.md); .onnx (docs/ONNX.md); one of PyTorch: .pt2, or a live one
                as `(module, example_inputs)` (docs/PYTORCH.md); a Caffe network: .prototxt
                (docs/CAFFE.md).
            name: in the store; by default the file's stem, or the blob's own name.
            head: post-processing for a .tflite (docs/HEADS.md): TOML file, C file or mapping, or
                "auto" to have it guessed and written to a TOML file. By default the file of the
                same name ending in .toml, if there is one, else what the metadata in the .tflite
                say.
            optimize: of a .tflite: "speed"; "size" for less flash; "ram" for the smallest arena,
                whatever time it costs.
            max_ram: of a .tflite: bytes that its arena may have.
            ops: of a .tflite: folder of operators of your own (docs/OWN-OPERATORS.md).
            weights: of a .tflite: "separate" makes them an object of their own, which stays while
                code and head change, and which models may share (docs/WEIGHTS.md). A blob that was
                built so finds its weights beside its file; what the board holds is not sent.
            activate: False only stores it.
            confirm: "auto": it stays once the board's own test has passed. "manual": it is on
                trial until `confirm` is called. A function of this device: the model is on trial
                while that runs, and stays if it neither raises nor returns False.
            confirm_s: seconds that a trial may last; then the previous model returns by itself.
            boots: starts of the board that a trial may outlast.
            seal: as for `put`; what is compiled for the board can be sealed by a `Signer` alone.
            trust: take another tool's file unseen; it may run code on this computer.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            ModelFileError, ConvertError, CompileError, ToolMissingError: nothing was sent.
            BlobError: it is not for this board, or failed its test there.
            StoreError: the store refused, see `StoreFullError`.
            SealError, CounterError: the board takes no such seal, or nothing without one.
            WeightsMissingError: it needs weights that are neither beside its file nor on the board.
            HealthCheckError: `confirm` found it wrong; the previous model serves again.
        """
        terms = trial_terms(confirm, confirm_s, boots, activate)
        model = prepare_blob(
            *(source, head, self._session.info, progress is True),
            optimize=optimize,
            max_ram=max_ram,
            ops=ops,
            weights=weights,
            trust=trust,
        )
        name = name or model.name
        seal = seal_for(source, seal, model.tflite is not None)
        if model.tflite is not None:
            self._tflites[hashlib.sha256(model.data).digest()] = model.tflite
        new = NewObject(name, model.data, BLOB)
        if model.need is None:
            loaded = self._upload(new, seal, progress, activate, terms)
        else:
            loaded = self._load_separate(new, model, seal, progress, activate, terms)
        taken = self._on_trial(loaded, confirm)
        return replace(taken, note="; ".join(filter(None, (model.note, taken.note))))

    def _load_separate(
        self,
        new: NewObject,
        model: ModelFile,
        seal: SealSource | None,
        progress: Progress | bool,
        activate: bool,
        terms: TrialTerms | None,
    ) -> Uploaded:
        """Upload a blob, and its weights beside it if the board lacks them."""
        assert model.need is not None  # who calls has asked
        stored = find_stored(self._session, model.need.sha256)
        if stored is not None and is_kept(stored):
            return self._upload(new, seal, progress, activate, terms)
        data = model.weights.data if model.weights else recall(model.need.sha256)
        if data is None:
            waits = stored is None
            return self._load_waiting(new, model.need, seal, progress, activate, terms, waits)
        path = model.weights.path if model.weights else None
        name = weights_name(new.name) if path is None else own_name(path.name)
        weights = NewObject(name, data, WEIGHTS)
        own_seal = seal if isinstance(seal, Signer) else seal_beside(path)
        try:
            sent = self._upload(weights, own_seal, progress).sent_bytes
            loaded = self._upload(new, seal, progress, activate, terms)
        except SealError:
            if own_seal is not None or seal is None:
                raise
            # A locked board takes them once the blob, which is sealed, is there and names them.
            loaded = self._upload(new, seal, progress)
            sent = self._upload(weights, None, progress).sent_bytes
            loaded = self._make_active(loaded, terms) if activate else loaded
        return replace(loaded, sent_bytes=loaded.sent_bytes + sent, weights_bytes=sent)

    def _load_waiting(
        self,
        new: NewObject,
        need: Need,
        seal: SealSource | None,
        progress: Progress | bool,
        activate: bool,
        terms: TrialTerms | None,
        waits: bool,
    ) -> Uploaded:
        """Upload a blob whose weights are not here; the board may hold an earlier version."""
        if waits and activate:
            raise WeightsMissingError(
                f"'{new.name}' needs weights of {need.size_bytes:,} bytes with SHA-256 "
                f"{need.sha256.hex()}, which are neither beside its file nor on the board",
                method="load_model",
            )
        return replace(self._upload(new, seal, progress, activate, terms), waits=waits)

    def _make_active(self, loaded: Uploaded, terms: TrialTerms | None) -> Uploaded:
        given = () if terms is None else (terms.confirm_s, terms.boots)
        with self._lease.switch():
            reply = self._session.call("activate", loaded.name, *given, timeout_s=300.0)
        pending = WireMap(reply, "activate").flag("pending")
        return replace(loaded, active=True, pending=pending)

    def load_bundle(
        self,
        source: BundleSource,
        name: str | None = None,
        *,
        activate: bool = True,
        confirm: Confirm = "auto",
        confirm_s: int = 60,
        boots: int = 0,
        seal: SealSource | None = None,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Upload models, scripts and data as one object, and switch to them as one.

        The board checks and tests every model; then one record switches to all members, one trial
        and one return are for all (docs/SCRIPTING.md). The first model is the active one, the
        script main.py runs at once, and the script of the bundle before ends.

        Args:
            source: a pipeline.toml, whose .tflite are compiled for this board's CPU; or a bundle,
                a file or bytes.
            name: in the store; by default what the pipeline.toml says, or the bundle's stem.
            activate: this and the next six: see `load_model`.

        Raises:
            BundleFileError, ModelFileError, CompileError, ToolMissingError: nothing was sent.
            BlobError: a model is not for this board, or failed its test there; it is named.
            StoreError: the store refused, see `StoreFullError`.
            SealError, CounterError: the board takes no such seal, or nothing without one.
            HealthCheckError: `confirm` found it wrong; what was active before is again.
        """
        terms = trial_terms(confirm, confirm_s, boots, activate)
        bundle = prepare_bundle(source, self._session.info, progress is True)
        is_made = not isinstance(source, bytes) and is_pipeline(source)
        seal = seal_for(source, seal, is_made)
        self._tflites.update(bundle.tflites)
        new = NewObject(name or bundle.name, bundle.data, BUNDLE)
        return self._on_trial(self._upload(new, seal, progress, activate, terms), confirm)

    def plan_bundle(
        self, source: BundleSource, name: str | None = None, *, show: bool = False
    ) -> BundleChanges:
        """Compare a bundle with what the board holds; nothing is changed.

        What is returned has the bundle's bytes, `data`, for `load_bundle`.

        Args:
            source: see `load_bundle`.
            name: in the store, likewise.
            show: show a bar if compiling takes long.

        Raises:
            BundleFileError, ModelFileError, CompileError, ToolMissingError: see `load_bundle`.
        """
        bundle = prepare_bundle(source, self._session.info, show)
        self._tflites.update(bundle.tflites)
        return changes_of(name or bundle.name, bundle.data, self.ls())

    def _on_trial(self, loaded: Uploaded, confirm: Confirm) -> Uploaded:
        """Let a health check end the trial of what was loaded."""
        if not callable(confirm) or not loaded.pending:
            return loaded
        version, withdraw = loaded.version, partial(self.rollback, loaded.name)
        check_health(loaded.name, version, partial(confirm, self), withdraw)
        self.confirm(loaded.name)
        return replace(loaded, pending=False)

    def confirm(self, name: str | None = None) -> None:
        """End a trial: the model stays.

        On a board whose state is "counted" it also raises the floor of the security counter to
        that object's, which need not be on trial: nothing older is taken from then on.

        Args:
            name: of the active model on trial, or of an object with a counter; None: the active
                model.

        Raises:
            VersionError: it is not on trial (any more).
            CounterError: another object, which the error names, would be below the floor.
            BusyError: another model is on trial.
        """
        self._session.call("confirm", active_name(self._session) if name is None else name)

    def rollback(self, name: str | None = None) -> int:
        """Withdraw a model's current version: the previous one returns, and is active.

        Args:
            name: of the model; None: the active one.

        Returns:
            The version that is current now; 0 if the name had no earlier one (a model that was
            on trial; what was active before is again).

        Raises:
            VersionError: there is no earlier version.
        """
        with self._lease.switch():
            name = active_name(self._session) if name is None else name
            result = self._session.call("rollback", name, timeout_s=60.0)
        return WireMap(result, "rollback").count("version")

    def trial(self) -> Trial | None:
        """Ask what is on trial; None: nothing."""
        return read_trial(self._session)

    def history(self, name: str | None = None) -> list[HistoryEvent]:
        """Read a model's history, oldest first, as far back as the board remembers.

        Args:
            name: of the model; None: the active one.
        """
        return read_history(self._session, active_name(self._session) if name is None else name)

    def model(self) -> Model:
        """Read the active model: inputs, outputs, steps, labels.

        Raises:
            NoModelError: none is active.
        """
        return self._lease.read()

    def models(self) -> list[StoredObject]:
        """List the models in the store."""
        return [o for o in self.ls() if o.type == "blob"]

    def activate(self, name: str) -> None:
        """Make a stored model the active one, also after a reset.

        Raises:
            ModelNotFoundError: no such model.
            WeightsMissingError: it waits for weights that are not in the store.
            GoldenError: its weights came after it, and it failed the test that it had not had.
        """
        with self._lease.switch():
            self._session.call("activate", name, timeout_s=300.0)

    # ---- The store -------------------------------------------------------------------------------

    def put(
        self,
        name: str | os.PathLike[str],
        source: bytes | str | os.PathLike[str] | None = None,
        *,
        seal: SealSource | None = None,
        progress: Progress | bool = False,
    ) -> Uploaded:
        """Put a file into the store: a script, bytecode (.mpy), data.

        The old one of that name stays until the new one is whole.

            board.put("main.py")                     # runs at the next start
            board.put("lib.py", b"def f(): return 1")
            board.put("labels.txt", "data/labels-v2.txt")

        Args:
            name: in the store; alone, also the path of the file, whose last part is the name.
            source: the contents, or the path of a file.
            seal: 192 bytes, the path of a file with them, or a `Signer` that makes it now; None:
                what `FILE.seal` beside the file holds, if there is one. A board of the open build
                gets none: `note` of what is returned says so.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            InputError: the file cannot be read or is empty, or the seal is not for it.
            StoreError: the store refused.
            SealError, CounterError: the board takes no such seal, or nothing without one.
        """
        if source is None:
            name, source = own_name(os.path.basename(name)), name
        if seal is None:
            seal = seal_beside(source)
        return self._upload(read_file(os.fspath(name), source), seal, progress)

    def get(self, name: str) -> bytes:
        """Read the contents of an object of the store.

        Raises:
            ModelNotFoundError: no such object.
            ObjectDamagedError: its bytes in flash are not those that were stored.
        """
        return get_file(self._session, name)

    def ls(self, *, check: bool = False) -> list[StoredObject]:
        """List everything in the store.

        Args:
            check: the board first compares the bytes of each object with what was stored, once
                since its start; without it `damaged` is what it knows already.
        """
        if check:
            check_objects(self._session)
        listed = with_needs(self._session, list_objects(self._session))
        return [with_members(self._session, o) for o in listed]

    def rm(self, name: str) -> None:
        """Delete an object from the store.

        Raises:
            ModelNotFoundError: no such object.
            WeightsNeededError: it is weights, and a version of a model needs them.
        """
        with self._lease.hold():
            self._session.call("rm", name)

    def lost(self) -> list[str]:
        """List the names of records of the store's log that cannot be read any more.

        Their objects are gone, or back at an earlier version. A name that is not known either is
        "".
        """
        return read_lost(self._session)

    def rescue(
        self, folder: str | os.PathLike[str], *, progress: Progress | bool = False
    ) -> Rescue:
        """Copy all that is whole out of the store; nothing on the board changes.

        It reads the raw flash, so it works on a store that the board refuses, too. The file of a
        damaged object ends in "~damaged", that of another version than the current in "~v" and
        its number.

        Args:
            folder: new or empty.
            progress: called with (done, total) bytes; True shows a bar.

        Raises:
            InputError: the folder is not empty, or the store's format is unknown.
        """
        with byte_progress(progress, "rescue") as show:
            return rescue(BoardFlash(self._session), Path(folder), show)

    def format(self) -> None:
        """Empty the store, also one that the board refuses: all objects are lost."""
        with self._lease.hold():
            self._session.call("format", "erase all", timeout_s=60.0)

    def objects(self) -> list[StoredObject]:
        """Call `ls` by its deprecated name."""
        warn_of_old_name("Device.objects", "Device.ls")
        return self.ls()

    def delete(self, name: str) -> None:
        """Call `rm` by its deprecated name."""
        warn_of_old_name("Device.delete", "Device.rm")
        self.rm(name)

    def _upload(
        self,
        new: NewObject,
        seal: SealSource | None,
        progress: Progress | bool,
        activate: bool = False,
        terms: TrialTerms | None = None,
    ) -> Uploaded:
        sealed = with_seal(self._session.info, new, seal)
        try:
            with self._uploading:
                with byte_progress(progress, new.name) as show:
                    staged = stage(self._session, sealed.new, show)
                with self._lease.switch():
                    taken = commit(self._session, staged, activate, terms)
        except SealError as error:
            if sealed.new.seal is None:
                raise say_how_to_sign(error) from error
            raise
        return replace(taken, note=sealed.note)

    # ---- Running ---------------------------------------------------------------------------------

    def infer(self, *inputs: npt.ArrayLike | Named, raw: bool = False) -> Array | Outputs:
        """Run the active model.

            y = board.infer(x)
            scores = board.infer({"image": x, "state": h})["scores"]      # of several, by name

        Args:
            inputs: one array for each input, of its shape (dimensions of 1 may be left out), or one
                mapping of them by the names of `Model.inputs`. Of the input's own dtype an array
                is taken as it is; floats are real values and are quantised.
            raw: give the outputs in the model's dtype, instead of real values (float32).

        Returns:
            The output, in the model's shape; of several a tuple, from which a name takes one out,
            too.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            InputError: a name is unknown or missing.
            NoModelError: none is active.
        """
        model, result = self._lease.run(lambda model: infer(self._session, model, inputs))
        return read_outputs(model, result, raw)

    def reset_state(self) -> None:
        """Have the active model forget what it kept from run to run.

        A recurrent or streaming network keeps state; another is not changed by this.

        Raises:
            NoModelError: none is active.
        """
        with self._lease.hold():
            self._session.call("reset_state")

    def infer_many(
        self,
        inputs: Iterable[npt.ArrayLike | tuple[npt.ArrayLike, ...] | Named],
        *,
        raw: bool = False,
    ) -> Iterator[Array | Outputs]:
        """Run the active model for many inputs: the next travel while the model runs.

            for x, y in zip(images, board.infer_many(images)): ...

        Args:
            inputs: as for `infer`, one after another, taken a few ahead; of a model with several
                inputs, tuples of them or mappings by name. The model must stay the active one
                until the last.
            raw: see `infer`.

        Yields:
            What `infer` returns, in order, as it comes.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            NoModelError: none is active.
        """
        model = self._lease.read()
        for result in infer_many(self._session, model, inputs):
            yield read_outputs(model, result, raw)

    def stream(
        self,
        source: StreamSource,
        *,
        hop: int | None = None,
        window: int | None = None,
        live: bool = False,
        room: int = 2,
    ) -> Stream:
        """Run the active model on what a source brings (docs/STREAMS.md).

            stream = board.stream("clip.mp4", live=True)
            for item in stream: print(item.result, item.latency_s)
            print(stream.latency)

        Args:
            source: a WAV file; a folder of pictures, a picture, a video; or arrays, one after
                another: uint8 pictures, what the model is fed, or with `hop` or `window` pieces of
                samples [n] of any length. Samples int16 are real values -1..1 for an input that
                is not int16.
            hop: samples by which the window slides; None: the window.
            window: samples that are run at once; None: all of the input.
            live: capture at the source's own pace, and drop the oldest of what waits if the board
                is slower; otherwise nothing is dropped, and nothing waits.
            room: windows that may wait, if `live`.

        Raises:
            InputError: the source cannot be read.
            ShapeError, DtypeError: it does not fit the model.
            NoModelError: none is active.
        """
        model = self._lease.read()
        windows = open_windows(source, model, hop, window)
        return Stream(self._session, model, Live(windows, room) if live else take_all(windows))

    def detect(self, picture: Picture, *, threshold: float = 0.0) -> Detections:
        """Find things in a picture with the active model's detector.

        Args:
            picture: file name, Pillow image, or array uint8 [H, W], [H, W, 3]; fitted into the
                model's input with its aspect ratio kept.
            threshold: leaves out scores below it; scores below the model's own never appear.

        Returns:
            By falling score; boxes, and keypoints if there are any, in the picture's own pixels.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model gives no detections.
        """
        model, run = self._lease.run(
            lambda model: infer_picture(self._session, model, picture, model.detector()[0])
        )
        found = read_detections(run.result.data, model, run.input.letterbox)
        kept = [d for d in found if d.score >= threshold]
        return Detections(kept, run.input.picture, run.result.us)

    def classify(self, picture: Picture, *, threshold: float = 0.0) -> Classes:
        """Classify a picture with the active model; arguments as for `detect`.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model gives no classes.
        """
        model, run = self._lease.run(
            lambda model: infer_picture(self._session, model, picture, model.entry(CLASSES))
        )
        found = read_classes(run.result.data, model)
        return Classes([c for c in found if c.score >= threshold], run.result.us)

    def run_head(
        self, picture: Picture | npt.ArrayLike | Named, *others: npt.ArrayLike
    ) -> list[tuple[Any, ...]]:
        """Find in a picture what the active model's head looks for, whatever that is.

        Args:
            picture: as for `detect`; of a model that takes no picture its first input, or a mapping
                of all, as for `infer`.
            others: the further inputs of such a model.

        Returns:
            A named tuple for each thing found, with the fields that the model's blob describes;
            points are in the picture's own pixels, without one in 0..1.

        Raises:
            ImageError: the picture cannot be read.
            NoHeadError: the model has no head.
            ShapeError, DtypeError: an input does not fit.
        """
        model, (result, letterbox) = self._lease.run(
            lambda model: infer_head(self._session, model, (picture, *others))
        )
        return read_found(result.data, model, letterbox)

    def profile(self, *inputs: npt.ArrayLike | Named) -> Profile:
        """Measure each step of a run, the head's too.

        Args:
            inputs: as for `infer`; none: zeros.
        """
        with self._lease.pin() as model:
            return profile(self._session, model, inputs)

    # ---- Validation ------------------------------------------------------------------------------

    def validate(
        self,
        x: npt.ArrayLike | Inputs,
        y: npt.ArrayLike | None = None,
        reference: str | None = "litert",
        *,
        tflite: FileSource | None = None,
        limit: int | None = None,
        sequence: bool = False,
        progress: Progress | bool = False,
    ) -> Report:
        """Run many samples through the active model: how right and how fast it is.

        Other threads' runs and changes of the active model wait until it is done.

        Args:
            x: samples [N, ...]; of several inputs a tuple of arrays, or a mapping by name. Of the
                input's own dtype they are taken as they are; floats are real values; uint8 for
                another dtype are pixels (docs/VALIDATION.md).
            y: class of each sample, integers [N]; the classes are the first output's elements.
            reference: "litert" compares each output with LiteRT's reference kernels, "none" not.
            tflite: the model's .tflite, for the reference; by default the one that this Device
                compiled into the active model. Without it the report says that there is none.
            limit: only the first samples.
            sequence: the samples follow one another: a model that keeps a state keeps it from one
                to the next; by default each sample is run from a reset state.
            progress: called with (done, total) samples; True shows a bar.

        Raises:
            ShapeError, DtypeError, InputError: samples or labels do not fit.
            NoModelError: none is active.
        """
        with (
            self._lease.pin() as model,
            count_progress(progress, f"validating {model.name}") as show,
        ):
            return validate(
                BoardRunner(self._session, model),
                x,
                y,
                reference=reference,
                tflite=self._tflites.get(model.sha256) if tflite is None else tflite,
                limit=limit,
                sequence=sequence,
                progress=show,
            )

    def trace(
        self,
        *inputs: npt.ArrayLike | Named,
        reference: str | None = "litert",
        tflite: FileSource | None = None,
    ) -> Trace:
        """Run the active model step by step, read every tensor back and compare it.

        Args:
            inputs: as for `infer`; none: random ones, always the same.
            reference: as for `validate`.
            tflite: as for `validate`.

        Raises:
            ShapeError, DtypeError: an input does not fit.
            NoModelError: none is active.
        """
        with self._lease.pin() as model:
            arrays = model.fit(inputs) if inputs else random_inputs(model)
            known = self._tflites.get(model.sha256) if tflite is None else tflite
            return trace(BoardRunner(self._session, model), arrays, reference, known)
