"""The figures: classification, differences from a reference, times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError
from host_sdk.inference.tensor import Array, TensorInfo

TOP = (1, 3, 5)


def scores_of(output: Array) -> Array:
    """Turn an output's real values into scores [K]; one value p is [1 - p, p]."""
    flat = output.reshape(-1).astype(np.float64)
    return np.array([1.0 - flat[0], flat[0]]) if flat.size == 1 else flat


def rank_of(scores: Array, label: int) -> int:
    """Count the classes before a class: better scores, or equal at a lower index.

    Args:
        scores: [K].
        label: 0..K-1.
    """
    own = scores[label]
    before = np.count_nonzero(scores > own) + np.count_nonzero(scores[:label] == own)
    return int(before)


def label_error(scores: Array, label: int) -> float | None:
    """Give the mean absolute difference of scores from a one-hot label.

    Args:
        scores: [K].
        label: 0..K-1.

    Returns:
        None if the scores are no shares: one is outside of 0..1.
    """
    if not bool(np.all((scores >= 0.0) & (scores <= 1.0))):
        return None
    return float(np.abs(scores - (np.arange(len(scores)) == label)).mean())


@dataclass(frozen=True)
class Classification:
    """The share of right classes.

    Attributes:
        images: how many had a label.
        correct: of these, those whose first class is the label.
        top: k -> share of the images whose label is among the k best.
        confusion: rows by label, columns by predicted class: how many images.
        labels: names of the classes.
        label_error: mean of the images' `label_error`, each of its scores from the one-hot label;
            None if one of them has scores that are no shares.
        reference_correct: how often LiteRT's first class is the label; None without a reference.
    """

    images: int
    correct: int
    top: dict[int, float]
    confusion: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    label_error: float | None
    reference_correct: int | None = None

    @property
    def accuracy(self) -> float:
        """Share of the images whose first class is the label."""
        return self.correct / self.images

    @property
    def reference_accuracy(self) -> float | None:
        """The same of the reference."""
        return None if self.reference_correct is None else self.reference_correct / self.images


class ClassCounter:
    """The sum of a `Classification`.

    Args:
        labels: names of classes; as many as are known.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._ranks: list[int] = []
        self._pairs: list[tuple[int, int]] = []
        self._errors: list[float | None] = []
        self._classes = 0
        self._reference: list[bool] = []

    def add(self, label: int, scores: Array, reference: Array | None) -> float | None:
        """Add one image.

        Args:
            label: its class.
            scores: [K].
            reference: the reference's scores [K], if there is one.

        Returns:
            Its `label_error`.

        Raises:
            InputError: there is no such class.
        """
        if label >= len(scores):
            raise InputError(f"labels must be below {len(scores)}, the classes; one is {label}")
        self._classes = len(scores)
        self._ranks.append(rank_of(scores, label))
        self._pairs.append((label, int(np.argmax(scores))))
        self._errors.append(label_error(scores, label))
        if reference is not None:
            self._reference.append(int(np.argmax(reference)) == label)
        return self._errors[-1]

    def result(self) -> Classification | None:
        """Give the figures; None if no image was added."""
        if not self._ranks:
            return None
        ranks = np.array(self._ranks)
        errors = [error for error in self._errors if error is not None]
        confusion = np.zeros((self._classes, self._classes), np.int64)
        for label, predicted in self._pairs:
            confusion[label, predicted] += 1
        return Classification(
            images=len(ranks),
            correct=int(np.count_nonzero(ranks == 0)),
            top={k: float(np.mean(ranks < k)) for k in TOP if k == 1 or k < self._classes},
            confusion=tuple(tuple(int(n) for n in row) for row in confusion),
            labels=tuple(
                self._labels[i] if i < len(self._labels) else str(i) for i in range(self._classes)
            ),
            label_error=float(np.mean(errors)) if len(errors) == len(ranks) else None,
            reference_correct=sum(self._reference) if self._reference else None,
        )


@dataclass(frozen=True)
class Difference:
    """The distance of values from the reference's, all in real values.

    Attributes:
        name: of the tensor.
        dtype: of the tensor.
        values: how many were compared.
        max_abs: largest absolute difference.
        mean_abs: mean absolute difference.
        rmse: root of the mean squared difference.
        cosine: of the angle between all finite values and the reference's; 1.0 if all are zero.
        exact: share of the values that are equal bit by bit, 0..1.
        max_steps: largest difference in steps of the quantisation; None if there is none.
    """

    name: str
    dtype: str
    values: int
    max_abs: float
    mean_abs: float
    rmse: float
    cosine: float
    exact: float
    max_steps: int | None


class DifferenceSum:
    """The sum of a `Difference` over many arrays, in float64.

    Args:
        tensor: what the arrays are values of.
    """

    def __init__(self, tensor: TensorInfo) -> None:
        self._tensor = tensor
        self._values = self._exact = self._max_steps = 0
        self._max = self._sum = self._squares = 0.0
        self._dot = self._actual_squares = self._expected_squares = 0.0

    def add(self, actual: Array, expected: Array) -> tuple[float, bool]:
        """Add values and the reference's, both in the tensor's dtype.

        Returns:
            The largest absolute difference, and whether all values are equal bit by bit.
        """
        if actual.size == 0:
            return 0.0, True
        a, b = (
            self._tensor.dequantise(v).reshape(-1).astype(np.float64) for v in (actual, expected)
        )
        same = _bits(actual) == _bits(expected)
        finite = np.isfinite(a) & np.isfinite(b)
        error = np.where(same, 0.0, np.inf)  # a number and NaN are infinitely far apart
        error[finite] = np.abs(a[finite] - b[finite])
        worst = float(error.max())
        self._values += a.size
        self._exact += int(np.count_nonzero(same))
        self._max = max(self._max, worst)
        self._sum += float(error.sum())
        self._squares += float(error @ error)
        self._dot += float(a[finite] @ b[finite])
        self._actual_squares += float(a[finite] @ a[finite])
        self._expected_squares += float(b[finite] @ b[finite])
        if self._tensor.scale is not None:
            steps = np.abs(actual.astype(np.int64) - expected.astype(np.int64))
            self._max_steps = max(self._max_steps, int(steps.max()))
        return worst, bool(same.all())

    def result(self) -> Difference:
        """Give the figures over all that was added."""
        n = max(self._values, 1)
        return Difference(
            name=self._tensor.name,
            dtype=self._tensor.dtype,
            values=self._values,
            max_abs=self._max,
            mean_abs=self._sum / n,
            rmse=float(np.sqrt(self._squares / n)),
            cosine=self._cosine(),
            exact=self._exact / n,
            max_steps=None if self._tensor.scale is None else self._max_steps,
        )

    def _cosine(self) -> float:
        if self._actual_squares == 0.0 or self._expected_squares == 0.0:
            return 1.0 if self._actual_squares == self._expected_squares else 0.0
        return min(
            self._dot / float(np.sqrt(self._actual_squares) * np.sqrt(self._expected_squares)), 1.0
        )


def _bits(values: Array) -> Array:
    flat = np.ascontiguousarray(values).reshape(-1)
    return flat.view(f"u{flat.dtype.itemsize}")


@dataclass(frozen=True)
class Times:
    """A distribution of times, microseconds.

    Attributes:
        mean: arithmetic mean.
        p50: median.
        p95: 95 of 100 are at most this.
        max: longest.
    """

    mean: float
    p50: float
    p95: float
    max: float


def times_of(us: Sequence[float] | npt.NDArray[np.float64]) -> Times:
    """Sum up at least one time; percentiles interpolate linearly."""
    values = np.asarray(us, np.float64)
    p50, p95 = np.percentile(values, (50, 95))
    return Times(float(values.mean()), float(p50), float(p95), float(values.max()))
