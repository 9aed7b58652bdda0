"""Models, store, pictures and calls from the PC, for Python on the board.

Give an editor the folder `device_fw/stubs` as an extra path; in VS Code, that is
"python.analysis.extraPaths".
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from typing_extensions import Buffer

from . import preprocess as preprocess
from . import store as store

_F = TypeVar("_F", bound=Callable[..., Any])
_Shape = tuple[int, int] | tuple[int, int, int]
_Inputs = Buffer | dict[str, Buffer]

class Error(Exception):
    """What the firmware refuses: `args` are the code of docs/ERRORS.md and its text."""

class Detection(NamedTuple):
    """A thing in a picture."""

    label: str | int
    """What it is: its number if the model names no labels."""
    score: float
    """0..1."""
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1: pixels of the picture if `shape` was given, else 0..1 of the input."""

class Class(NamedTuple):
    """A class and its score, 0..1."""

    label: str | int
    score: float

class Step(NamedTuple):
    """A step of a model and how long it took, microseconds."""

    name: str | int
    us: int

class Source(Protocol):
    """What a stream takes its windows from: a sensor, a UART, a class of a script.

    It may have `captured_us`, the board's clock when the last byte that it gave was captured, and
    `dropped`, how many pieces it lost as nothing had room for them.
    """

    def readinto(self, buffer: Buffer, /) -> int | None:
        """Write what is there; return how many bytes, None if nothing is yet, 0 at the end."""

class Streamed(NamedTuple):
    """A window that was run."""

    result: list[tuple[Any, ...]] | memoryview | tuple[memoryview, ...]
    """Of `run_head`, if the model has a head, else of `run`."""
    captured_us: int
    """The source's, else `ticks_us()` when the window was whole."""
    dropped: int
    """The source's, else 0."""

class Stream(Iterator[Streamed]):
    """The windows of a source, each run when it is whole."""

    window: memoryview
    """The bytes of the window, until the next one."""

    def __next__(self) -> Streamed: ...

class Model:
    """A model of the store, ready to run: it takes an arena of the board's one pool.

    That of a bundle is named BUNDLE/MEMBER.

    The arena goes back on `close()`, at the end of a `with` block, or when the object is collected.
    Views of inputs and outputs hold until then. Several models may be open at once.

    Raises:
        Error: no such model, or its arena does not fit.
    """

    name: str
    version: int
    inputs: tuple[memoryview, ...]
    """As they are in the arena, typed: write into them, then `run()` without arguments."""
    outputs: tuple[memoryview, ...]
    """As they are in the arena, typed; read-only, until the next run or write."""
    us: int
    """What the last run took, microseconds, bringing in the inputs not counted."""

    def __init__(self, name: str) -> None: ...
    @overload
    def run(self, *inputs: Buffer) -> memoryview | tuple[memoryview, ...]: ...
    @overload
    def run(self, inputs: dict[str, Buffer], /) -> memoryview | tuple[memoryview, ...]: ...
    @overload
    def run(self, picture: Buffer, *, shape: _Shape) -> memoryview | tuple[memoryview, ...]:
        """Run the network; return a view of the output, or a tuple of views.

        Args:
            inputs: one buffer for each input, of its size; or a dict of them by the names of
                `info()["inputs"]`; none: what `inputs` holds.
            picture: gray or RGB bytes of any size, fitted into the input as host_sdk does.
            shape: of the picture: (height, width) or (height, width, channels).
        """

    def detect(self, *inputs: _Inputs, shape: _Shape = ...) -> list[Detection]:
        """Run the network and its detector; arguments as of `run`."""

    def classify(self, *inputs: _Inputs, shape: _Shape = ...) -> list[Class]:
        """Run the network and its classifier; arguments as of `run`."""

    def run_head(self, *inputs: _Inputs, shape: _Shape = ...) -> list[tuple[Any, ...]]:
        """Run the network and its head; arguments as of `run`.

        Returns a named tuple for each thing found, with the fields that the blob describes; points
        are pixels of the picture if `shape` was given, else 0..1 of the input.
        """

    def profile(self, *inputs: _Inputs, shape: _Shape = ...) -> list[Step]:
        """Run the network and its head and time each step; arguments as of `run`."""

    def stream(
        self,
        source: Source,
        *,
        hop: int | None = None,
        window: int | None = None,
        shape: _Shape | None = None,
    ) -> Stream:
        """Run each window of what a source brings (docs/STREAMS.md).

        Args:
            source: asked again and again until it ends.
            hop: items by which the window slides; by default the whole window.
            window: items of the first input that are run at once; by default all.
            shape: the window is a picture of this shape, fitted into the input; then items are its
                bytes.
        """

    def reset_state(self) -> None:
        """Forget what the network kept from run to run, as after it was opened."""

    def info(self) -> dict[str, Any]:
        """Describe the model.

        inputs, outputs (name, shape, dtype, scale, zero_point), labels, arena, stack, steps.
        """

    def close(self) -> None:
        """Give the arena back."""

    def __enter__(self) -> Model: ...
    def __exit__(self, *args: object) -> None: ...

class Array:
    """A buffer with a shape: what a NumPy array of the PC is on the board, and the other way."""

    items: Buffer
    shape: tuple[int, ...]

    def __init__(self, items: Buffer, shape: tuple[int, ...], /) -> None: ...
    def __getitem__(self, index: tuple[int, ...]) -> float: ...
    def __setitem__(self, index: tuple[int, ...], value: float) -> None: ...

class Sensor(Source):
    """A sensor that captures pieces into slots while the script does other things.

    Only boards with sensors have it: the virtual ones, whose computer plays files.
    """

    captured_us: int
    """The board's clock when the last byte of the piece was captured that was read last."""
    dropped: int
    """Pieces that came while no slot was free."""

    def readinto(self, buffer: Buffer, /) -> int | None:
        """Give bytes of the oldest piece, of one alone."""

    def close(self) -> None:
        """Stop it; what was captured can still be read."""

def Camera(shape: _Shape, frames: int = 2, /) -> Sensor:
    """Start the camera: frames of this shape, and slots for so many."""

def Mic(rate: int, chunk: int, chunks: int = 8, /) -> Sensor:
    """Start the microphone: int16, chunks of so many samples, and slots for so many chunks."""

def models() -> list[dict[str, Any]]:
    """Return the models in the store, those in bundles too: name, type, size, version, address."""

def activate(name: str) -> None:
    """Make a model or a bundle the active one, now and after resets.

    A locked board takes sealed ones. If another bundle, or none, is active then, Python is
    restarted for its scripts.
    """

def run(*inputs: _Inputs, shape: _Shape = ...) -> memoryview | tuple[memoryview, ...]:
    """`Model.run` of the active model."""

def detect(*inputs: _Inputs, shape: _Shape = ...) -> list[Detection]:
    """`Model.detect` of the active model."""

def classify(*inputs: _Inputs, shape: _Shape = ...) -> list[Class]:
    """`Model.classify` of the active model."""

def run_head(*inputs: _Inputs, shape: _Shape = ...) -> list[tuple[Any, ...]]:
    """`Model.run_head` of the active model."""

def info() -> dict[str, Any]:
    """Return what the board is: board, cpu, features, arena, arena_free, stack, flash, boot."""

def ticks_us() -> int:
    """Microseconds since boot; does not wrap."""

def rpc(function: _F, name: str = ..., doc: str | None = ..., /) -> _F:
    """Let the PC call the decorated function as `board.rpc.name(...)`."""

def emit(topic: str, value: object = ..., /) -> bool:
    """Send an event to the PC: `board.on(topic, callback)`, `board.events()`.

    Returns False if nobody listens; on a locked board nobody does.
    """
