"""A callback of Keras: a board takes part in the training (docs/TRAINING.md)."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from host_sdk.device import Device
from host_sdk.display.plain import plain_text
from host_sdk.errors import DeviceError, LinkError, ToolMissingError
from host_sdk.training.best_on_board import BestOnBoard, Tried
from host_sdk.transports import Transport

if TYPE_CHECKING:

    class Callback:
        """As much of Keras's, which has no types, as is used here."""

        model: Any
        params: dict[str, Any]
else:
    try:
        from keras.callbacks import Callback
    except ImportError:
        Callback = object  # and `LiveBoard` says what is missing

__all__ = ["LiveBoard"]


class LiveBoard(Callback):
    """Measure each epoch's model, quantised, on a board; the best stays there.

        model.fit(x, y, epochs=5, callbacks=[LiveBoard("/dev/ttyACM0", x_test, y_test)])

    What the board answers is in the logs as `board_accuracy`, for other callbacks of Keras (place
    this one before them) and in the history. A board that is unplugged does not end a training:
    its epochs have no accuracy (nan), until it is there again.

    Args:
        port: of the board, see `Device`; or a board, which stays open.
        x: samples [N, ...] to measure with: floats as the model takes them, or uint8, which become
            0 to 1.
        y: class of each, integers [N].
        name: of the model in the store.
        scheme: how a model is quantised, a key of `SCHEMES` (docs/QUANTIZE.md).
        calibrate: samples to find the ranges of values with, as x; None: the first 64 of x.
        limit: measure with the first samples only.
        every: after so many epochs, and after the last.
        trial_s: seconds that measuring may take; after them the board returns to the best by
            itself, even if this computer is gone.
        verbose: 0: print nothing.

    Raises:
        ToolMissingError: Keras is not installed.

    Attributes:
        tried: what was measured after each epoch, by its number from 0.
        best: accuracy of what serves on the board; None: nothing was measured yet.
    """

    def __init__(
        self,
        port: str | Transport | Device | None,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        name: str = "live",
        scheme: str = "int8",
        calibrate: npt.ArrayLike | None = None,
        limit: int | None = None,
        every: int = 1,
        trial_s: int = 600,
        verbose: int = 1,
    ) -> None:
        if Callback is object:
            raise ToolMissingError("Keras", "pip install 'xipnet[quantize,train]'")
        super().__init__()
        self.tried: dict[int, Tried] = {}
        self.best: float | None = None
        self._open = partial(
            BestOnBoard,
            *(port, x, y),
            name=name,
            scheme=scheme,
            calibrate=calibrate,
            limit=limit,
            trial_s=trial_s,
        )
        self._board: BestOnBoard | None = None
        self._every, self._verbose = every, verbose

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Find what would fail after the first epoch now: the board, the model, the tools.

        Raises: see `BestOnBoard.try_model`.
        """
        self._board = self._open()
        try:
            self._board.check(self.model)
            self.best = self._board.measure_stored()
        except BaseException:
            self.on_train_end()
            raise

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure this epoch's model on the board."""
        last = epoch + 1 == self.params.get("epochs")
        if (epoch + 1) % self._every and not last:
            return
        try:
            tried = self._try()
        except (LinkError, DeviceError) as error:
            accuracy, words = math.nan, f"nothing was measured on the board: {error}"
            self.on_train_end()  # and opened again for the next
        else:
            self.tried[epoch] = tried
            accuracy, words = tried.accuracy, str(tried)
        if logs is not None:
            logs["board_accuracy"] = accuracy
        if self._verbose:
            print(f"\nepoch {epoch + 1}: {plain_text(words)}", flush=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the board, if it was opened here."""
        board, self._board = self._board, None
        if board is not None:
            board.close()

    def _try(self) -> Tried:
        if self._board is None:
            self._board = self._open()
            self._board.best = self.best
        tried = self._board.try_model(self.model)
        self.best = self._board.best
        return tried
