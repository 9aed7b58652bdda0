"""The converter as a process of its own: started, listened to, ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from host_sdk.converting.converter import Converter
from host_sdk.display.plain import plain_line, plain_text
from host_sdk.errors import ConvertError, ModelFileError, ToolMissingError, UnsafeModelError

STAGES = 4
COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "host_sdk.converting.tensorflow_child")
TENSORFLOW = Converter("TensorFlow", lambda: COMMAND, "pip install 'xipnet[train]'")

_SECONDS = 1800.0
_REPLY_BYTES = 1 << 16
_LAST_LINES = 12
_LISTEN_S = 5.0
_PROJECT = Path(__file__).resolve().parents[2]


def run_converter(
    arguments: Sequence[str],
    place: str,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    seconds: float = _SECONDS,
    converter: Converter = TENSORFLOW,
) -> str:
    """Convert a model in a process of its own.

    Args:
        arguments: for `tensorflow_child.py` or a program of `children`, which describe them.
        place: the model, for errors.
        folder: a folder of ours, where it works.
        progress: called with (done, total) stages.
        seconds: that it may take; then it is ended.
        converter: what converts.

    Returns:
        What the user should know, or "".

    Raises:
        ToolMissingError: the converter is not installed.
        ModelFileError, UnsafeModelError: it refuses the file.
        ConvertError: it failed; its last words are in the message.
    """
    child = subprocess.Popen(
        [*converter.command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=_environment(folder, converter),
    )
    assert child.stdout is not None
    assert child.stderr is not None
    words: deque[str] = deque(maxlen=_LAST_LINES)
    listener = threading.Thread(target=_listen, args=(child.stderr, words), daemon=True)
    timer = threading.Timer(seconds, child.kill)
    timer.daemon = True
    listener.start()
    timer.start()
    reply: dict[str, Any] = {}
    try:
        while line := child.stdout.readline(_REPLY_BYTES):
            reply = _read_reply(line)
            if progress is not None and isinstance(reply.get("stage"), int):
                progress(reply["stage"], STAGES)
        child.wait()
    finally:
        was_slow = not timer.is_alive()
        timer.cancel()
        child.kill()
        child.wait()
        child.stdout.close()
        listener.join(_LISTEN_S)  # a process that the child left may hold the other end
        if not listener.is_alive():
            child.stderr.close()
    if not reply.get("done"):
        fate = _fate(child.returncode, was_slow, seconds, words)
        raise _error(reply, place, fate, converter)
    return plain_line(str(reply.get("note") or ""))


def _environment(folder: Path, converter: Converter) -> Mapping[str, str]:
    """Say what the child is to know: our package, no GPU, no settings of users."""
    if converter.own_packages:
        return _own_environment(folder)
    old = [os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    given = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    return {
        **given,
        "PYTHONPATH": os.pathsep.join([str(_PROJECT), *old]),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(folder / "keras"),
        "HDF5_PLUGIN_PRELOAD": "::",  # none
    }


def _own_environment(folder: Path) -> Mapping[str, str]:
    """Keep what the system needs; caches and settings are in the working folder."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
    tuned = {k: v for k, v in os.environ.items() if k.startswith(("OMP_", "OPENBLAS_", "MKL_"))}
    inside = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "XDG_CACHE_HOME"), str(folder))
    given = {k: os.environ[k] for k in kept if k in os.environ}
    return {**given, **tuned, **inside, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def _listen(stream: IO[bytes], words: deque[str]) -> None:
    while line := stream.readline(_REPLY_BYTES):
        text = line.decode(errors="replace").rstrip()
        if text:
            words.append(plain_line(text))


def _read_reply(line: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(line)
    except ValueError:
        return {}
    return reply if isinstance(reply, dict) else {}


def _fate(status: int, was_slow: bool, seconds: float, words: Sequence[str]) -> str:
    """Say how a process ended that has not said why."""
    if was_slow:
        return f"it must end within {seconds:g} s; did not"
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return "\n".join([f"its process ended ({how}); its last words:", *(words or ["none"])])


def _error(reply: Mapping[str, Any], place: str, fate: str, converter: Converter) -> Exception:
    if reply.get("missing"):
        return ToolMissingError(plain_line(str(reply["missing"])), converter.install)
    if unsafe := reply.get("unsafe"):
        return UnsafeModelError(*(plain_line(str(part)) for part in unsafe))
    if reply.get("refused"):
        return ModelFileError(plain_text(str(reply["refused"])))
    why = plain_text(str(reply.get("failed") or fate))
    return ConvertError(f"{place} cannot be converted; {converter.name} says:\n{why}")
