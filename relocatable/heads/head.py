"""Describe a head: post-processing compiled into the blob (docs/HEADS.md).

A head is a folder here, named as the head: the class `HEAD` with its configuration, rules, C call
and the layout of its result, and the C file of the same name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from relocatable.blob.blob import ARENA_ALIGN
from relocatable.blob.record import Record
from relocatable.graph.graph import Graph
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess
from relocatable.steps.c_call import CCall
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class ImageConfig:
    """The way from pixels 0..255 to the model's input: real = (pixel - mean) / std.

    Attributes:
        mean, std: one number, or one for each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @staticmethod
    def read(table: Fields) -> ImageConfig:
        """Read the table [image]."""
        image = ImageConfig(table.numbers("mean", (0.0,)), table.numbers("std", (255.0,)))
        if 0.0 in image.std:
            raise table.error("std", "other than 0", image.std)
        table.end()
        return image


@dataclass(frozen=True)
class Head(ABC):
    """A head as configured for a model; a subclass for each folder.

    Attributes:
        kind: its name, that of its folder and of its table in the description.
        record: layout of an item of its result.
        labels: names of the classes.
        image: None if the description says nothing.
        front_end: what makes the first input of sound; None if nothing does.
    """

    kind: ClassVar[str]
    record: ClassVar[Record]

    labels: tuple[str, ...]
    image: ImageConfig | None
    front_end: str | None = field(default=None, kw_only=True)

    @classmethod
    @abstractmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> Head:
        """Read the head's own table of the description.

        Raises:
            HeadError: names the key, the rule and the value seen.
        """

    def item_record(self) -> Record:
        """Lay out an item of the result; `record` unless the description says more."""
        return self.record

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Tell whether a model looks as if it were made for this head; None: no.

        Args:
            graph: the network, lowered.
        """
        return None

    @abstractmethod
    def most_items(self, graph: Graph) -> int:
        """Bound the number of a result's items.

        Raises:
            HeadError: the head does not fit the model's outputs.
        """

    def state_bytes(self, graph: Graph) -> int:
        """Count the bytes that the head keeps from run to run.

        Before the first run they are 0. They are output 1 of the call, `Output("xn_my_state", 1)`,
        which is read and changed in place.

        Raises:
            HeadError: the head does not fit the model's outputs.
        """
        del graph
        return 0

    @abstractmethod
    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call that reads the model's outputs and writes the tensor `result`.

        Raises:
            HeadError: the head does not fit the model's outputs.
        """

    def kernel_call(
        self,
        call: CCall,
        inputs: tuple[int, ...],
        result: int,
        *,
        weights: Mapping[str, npt.NDArray[np.generic]] | None = None,
        scratch_bytes: int = 0,
    ) -> KernelCall:
        """Make the step of a call of the head's C file; see `KernelCall`."""
        return KernelCall(
            kind=f"HEAD_{self.kind.upper()}",
            name=self.kind,
            source=f"heads/{self.kind}/{self.kind}.c",
            calls=(call,),
            inputs=inputs,
            outputs=(result,),
            weights=dict(weights or {}),
            scratch_bytes=-(-scratch_bytes // ARENA_ALIGN) * ARENA_ALIGN,
        )

    def metadata(self) -> dict[str, Any]:
        """List the head's entries of the metadata (docs/SPEC-blob.md section 7)."""
        parameters = {
            option.name: _plain(getattr(self, option.name))
            for option in fields(self)
            if option.name not in ("labels", "image") and getattr(self, option.name) is not None
        }
        metadata: dict[str, Any] = {
            "labels": list(self.labels),
            "head": {"kind": self.kind, **parameters},
        }
        if self.image:
            metadata["image"] = {"mean": list(self.image.mean), "std": list(self.image.std)}
        return metadata


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
