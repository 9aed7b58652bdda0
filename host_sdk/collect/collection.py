"""A folder of samples, for validation, spreadsheets and Edge Impulse.

| file | for |
|---|---|
| `samples.npz` | `xipnet validate --data FOLDER`: `x`, what the model was fed; `y`, its class |
| `samples.csv` | a line for each sample: file, label, times, what was found (JSON) |
| `training/LABEL.NNNN.png`, `.wav`, `.json` | what was seen; `.json`: data acquisition format |
| `info.labels` | `edge-impulse-uploader --info-file info.labels` |
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from host_sdk.errors import InputError
from host_sdk.inference.model import Model
from host_sdk.inference.tensor import Array
from host_sdk.media.sound import write_wav
from host_sdk.streams.stream import Streamed

_COLUMNS = ("file", "label", "index", "captured_s", "latency_ms", "us", "dropped", "result")
_SAFE = re.compile(r"[^A-Za-z0-9_-]+")
_UNLABELLED = "unlabelled"


class Collection:
    """A folder that samples are put into; `close` writes what is about all of them.

    Args:
        folder: new or empty.
        model: that the samples were run through.
        label: of all samples: a class of the model by its name or number, or any other text; None:
            they have none.
        rate_hz: samples per second of a sound; None: what is no picture is no sound.

    Raises:
        InputError: the folder holds something, or cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        model: Model,
        label: str | None = None,
        rate_hz: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._model = model
        self._label = label or _UNLABELLED
        self._class = None if label is None else _class_of(label, model)
        self._rate_hz = rate_hz
        self._inputs: list[Array] = []
        self._rows: list[tuple[Any, ...]] = []
        self._files: list[dict[str, Any]] = []
        try:
            (self.folder / "training").mkdir(parents=True, exist_ok=True)
            others = [p.name for p in self.folder.iterdir() if p.name != "training"]
            others += [p.name for p in (self.folder / "training").iterdir()]
        except OSError as error:
            raise InputError(f"{self.folder}: {error.strerror}") from error
        if others:
            raise InputError(f"{self.folder}: must be empty; holds {others[0]}")

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, item: Streamed) -> Path:
        """Keep a sample; return the file with what was seen."""
        name = f"{_SAFE.sub('_', self._label)}.{len(self):04}"
        path = self._write_seen(self.folder / "training" / name, item.x)
        tensor = self._model.inputs[0]
        shape = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
        self._inputs.append(np.frombuffer(item.fed[0], tensor.dtype).reshape(shape))
        file = path.relative_to(self.folder).as_posix()
        self._rows.append(
            (
                *(file, self._label, item.index, f"{item.captured_s:.6f}"),
                *(f"{1000 * item.latency_s:.3f}", item.us, item.dropped),
                json.dumps(plain_result(item.result)),
            )
        )
        label = {"type": "label" if self._label != _UNLABELLED else "unlabeled"}
        if self._label != _UNLABELLED:
            label["label"] = self._label
        self._files.append({"path": file, "category": "training", "label": label})
        return path

    def close(self) -> None:
        """Write samples.npz, samples.csv and info.labels; nothing if there is no sample."""
        if not self._rows:
            return
        arrays: dict[str, Any] = {"x": np.stack(self._inputs)}
        if self._class is not None:
            arrays["y"] = np.full(len(self), self._class, np.int64)
        np.savez(self.folder / "samples.npz", **arrays)
        with (self.folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows((_COLUMNS, *self._rows))
        info = {"version": 1, "files": self._files}
        (self.folder / "info.labels").write_text(json.dumps(info, indent=1), encoding="utf-8")

    def _write_seen(self, path: Path, x: Array) -> Path:
        if x.dtype == np.uint8 and x.ndim in (2, 3) and x.shape[2:] in ((), (3,)):
            path = path.with_name(path.name + ".png")
            Image.fromarray(x).save(path)
        elif x.dtype == np.int16 and x.ndim == 1 and self._rate_hz is not None:
            path = path.with_name(path.name + ".wav")
            write_wav(path, x, self._rate_hz)
        else:
            path = path.with_name(path.name + ".json")
            path.write_text(json.dumps(acquisition(x, self._rate_hz)), encoding="utf-8")
        return path


def acquisition(x: Array, rate_hz: int | None) -> dict[str, Any]:
    """Give an array in Edge Impulse's data acquisition format, not signed.

    Args:
        x: of one dimension: a value each; of more: the last one's values are sensors.
        rate_hz: rows per second; None: one a millisecond.
    """
    rows = x.reshape(-1, x.shape[-1]) if x.ndim > 1 and x.shape[-1] <= 64 else x.reshape(-1, 1)
    return {
        "protected": {"ver": "v1", "alg": "none"},
        "signature": "0" * 64,
        "payload": {
            "device_type": "XIPNET",
            "interval_ms": 1000 / rate_hz if rate_hz else 1,
            "sensors": [{"name": f"x{i}", "units": "N/A"} for i in range(rows.shape[1])],
            "values": rows.tolist(),
        },
    }


def fields_of(item: Streamed) -> dict[str, Any]:
    """Give what a condition may name.

    Of a head: `count`, and the fields of the first thing found, which is the best. Of a model
    without a head: `max` and `argmax` of its first output. Always `index`, `us`, `dropped`.
    """
    fields: dict[str, Any] = {"index": item.index, "us": item.us, "dropped": item.dropped}
    if isinstance(item.result, list):
        first = item.result[0] if item.result else None
        return fields | {"count": len(item.result)} | (first._asdict() if first else {})  # type: ignore[attr-defined]
    outputs = item.result if isinstance(item.result, tuple) else (item.result,)
    first_output = np.asarray(outputs[0])
    return fields | {"max": float(first_output.max()), "argmax": int(first_output.argmax())}


def plain_result(result: Any) -> Any:
    """Give a result as plain values, for json.dumps."""
    if isinstance(result, list):
        return [item._asdict() for item in result]
    outputs = result if isinstance(result, tuple) else (result,)
    return [np.asarray(output).tolist() for output in outputs]


def _class_of(label: str, model: Model) -> int | None:
    """Return the number of a class; None: the label is none."""
    labels: Sequence[str] = model.labels
    if label in labels:
        return labels.index(label)
    return int(label) if label.isascii() and label.isdecimal() else None
