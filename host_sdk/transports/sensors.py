"""The virtual board's camera and microphone, played into a further UART.

The board asks for a sensor (device_fw/parts/sensors_cmsdk.c), and pieces go to it at the pace of
the file: frames of a clip, or chunks of a sound. Each arrives when its last byte would be captured.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator

from host_sdk.errors import InputError, PortNotFoundError
from host_sdk.media.frames import Clip, fit_frame
from host_sdk.media.sound import Sound, read_wav
from host_sdk.transports.sensor_files import SensorFiles

_ASKED = struct.Struct("<BBHHHH")  # kind, on, what the sensor is asked for, nonce
_PIECE = struct.Struct("<HHI")  # magic, nonce, size and kind
_MAGIC = 0x5358
_CAMERA, _MIC = 0, 1


class SensorPlayer:
    """A thread that plays what the board asks for until the board is gone.

    Args:
        connection: the board's further UART; owned by the player.
        files: what to play.

    Raises:
        PortNotFoundError: a file cannot be read.
        ToolMissingError: it is a video, and `imageio` is not installed.
    """

    def __init__(self, connection: socket.socket, files: SensorFiles) -> None:
        self._connection = connection
        try:
            self._clip = Clip(files.camera) if files.camera else None
            self._sound = read_wav(files.mic) if files.mic else None
        except InputError as error:
            connection.close()
            raise PortNotFoundError(f"sensors of the virtual board: {error}") from error
        self._fps = files.fps
        self._sending = threading.Lock()
        self._stops: dict[int, threading.Event] = {}
        threading.Thread(target=self._serve, name="xipnet-sensors", daemon=True).start()

    def close(self) -> None:
        """Stop playing; calling it again does nothing."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while request := _read(self._connection, _ASKED.size):
                kind, on, *asked, nonce = _ASKED.unpack(request)
                self._stop(kind)
                if on:
                    self._start(kind, asked, nonce)
        for kind in list(self._stops):
            self._stop(kind)

    def _stop(self, kind: int) -> None:
        if stop := self._stops.pop(kind, None):
            stop.set()

    def _start(self, kind: int, asked: list[int], nonce: int) -> None:
        stop = self._stops[kind] = threading.Event()
        rate_hz, pieces = self._pieces(kind, asked)
        threading.Thread(
            target=self._play, args=(kind, nonce, rate_hz, pieces, stop), daemon=True
        ).start()

    def _pieces(self, kind: int, asked: list[int]) -> tuple[float, Iterator[bytes]]:
        """Give pieces per second, and the pieces."""
        if kind == _CAMERA and self._clip is not None:
            height, width, channels = asked
            frames = (fit_frame(f, height, width, channels).tobytes() for f in self._clip)
            return self._fps or self._clip.rate_hz, frames
        if kind == _MIC and self._sound is not None:
            rate, chunk = asked[0] | asked[1] << 16, asked[2]
            return rate / chunk, _chunks(self._sound.at_rate(max(rate, 1)), chunk)
        return 1.0, iter(())

    def _play(
        self, kind: int, nonce: int, rate_hz: float, pieces: Iterator[bytes], stop: threading.Event
    ) -> None:
        start_s = time.monotonic()
        with contextlib.suppress(OSError):
            for i, piece in enumerate(itertools.chain(pieces, (b"",))):
                due_s = start_s + (i + 1) / rate_hz
                if stop.wait(max(0.0, due_s - time.monotonic()) if piece else 0.0):
                    return
                header = _PIECE.pack(_MAGIC, nonce, len(piece) | kind << 24)
                with self._sending:
                    self._connection.sendall(header + piece)


def _chunks(sound: Sound, chunk: int) -> Iterator[bytes]:
    """Yield whole chunks; what is left at the end is none."""
    for at in range(0, len(sound.samples) - chunk + 1, chunk):
        yield sound.samples[at : at + chunk].astype("<i2").tobytes()


def _read(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes; b"" once the other side has closed."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            return b""
        data += more
    return data
