"""Configuration and C call of the head `audio`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, only_output
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.values import values_of
from relocatable.steps.c_call import CCall, Constant, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_FEATURES = 40  # of each window of sound
_STATE_HEADER_BYTES = 16  # of xn_audio_state in audio.c; the scores follow
_MOST_RUNS = 1_000_000
_MOST_LABELS = 10_000


@dataclass(frozen=True)
class AudioHead(Head):
    """A classifier of a stream, whose scores are averaged over the last runs.

    It fires if the best average is above its label's threshold, and then waits.

    Attributes:
        output: which of the model's outputs holds the scores, one for each label.
        window: runs whose scores are averaged.
        threshold: one number, or one for each label; 1 means never, since no score is above it.
        refractory: runs after it fired in which it does not fire again.
        minimum_count: runs that must be in the window before it fires.
        softmax: the model gives logits.
    """

    kind: ClassVar[str] = "audio"
    record: ClassVar[Record] = Record(
        12,
        (
            RecordField("label", "int32", 0, role="label"),
            RecordField("score", "float32", 4),
            RecordField("fired", "uint8", 8),
        ),
    )

    output: int
    window: int
    threshold: tuple[float, ...]
    refractory: int
    minimum_count: int
    softmax: bool

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> AudioHead:
        """Read the table [audio]."""
        window = table.integer("window", 1, 1000, 5)
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            window=window,
            threshold=table.numbers("threshold", (0.5,)),
            refractory=table.integer("refractory", 0, _MOST_RUNS, 50),
            minimum_count=table.integer("minimum_count", 1, window, window),
            softmax=table.boolean("softmax", False),
        )
        if not all(0 <= value <= 1 for value in head.threshold):
            raise table.error("threshold", "in [0, 1]", list(head.threshold))
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take scores of a network that keeps a state and gets 40 features of sound."""
        output, given = only_output(graph), graph.tensors[graph.inputs[0]]
        if output is None or not graph.states or max(output.shape) != output.count:
            return None
        if given.dtype != "int8" or given.shape[-1] != _FEATURES:
            return None
        why = f"a network with a state gets {_FEATURES} features and gives {output.count} scores"
        check = "window and thresholds; that the features are those of [sound]"
        return Guess({"window": 5}, why, (check,), {"sound": {"front_end": "micro"}})

    def most_items(self, graph: Graph) -> int:
        """Count the one item of each run."""
        del graph
        return 1

    def state_bytes(self, graph: Graph) -> int:
        """Count the scores of the last runs, and what says which they are."""
        return _STATE_HEADER_BYTES + 4 * self.window * self._output(graph).count

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_audio_hear."""
        output = self._output(graph)
        params: dict[str, CValue] = {
            "values": values_of(output),
            "threshold": Constant("threshold"),
            "count": output.count,
            "window": self.window,
            "minimum_count": self.minimum_count,
            "refractory": self.refractory,
            "softmax": int(self.softmax),
        }
        arguments = (
            Struct("xn_audio", "audio", params),
            Output("xn_audio_state", 1),
            Output("xn_audio_items"),
        )
        thresholds = np.array(self.threshold * (output.count // len(self.threshold)), np.float32)
        return self.kernel_call(
            CCall("xn_audio_hear", arguments),
            (graph.outputs[self.output],),
            result,
            weights={"threshold": thresholds},
        )

    def _output(self, graph: Graph) -> Tensor:
        if self.output >= len(graph.outputs):
            raise HeadError(
                f"[audio] output must be below {len(graph.outputs)}, the model's; is {self.output}"
            )
        output = graph.tensors[graph.outputs[self.output]]
        for what, seen in (("labels", self.labels), ("[audio] threshold", self.threshold)):
            allowed = (0, output.count) if what == "labels" else (1, output.count)
            if len(seen) not in allowed:
                raise HeadError(
                    f"{what} must be as many as values of output '{output.name}' "
                    f"({output.count}); are {len(seen)}"
                )
        if output.count > _MOST_LABELS:
            raise HeadError(
                f"[audio] output must have at most {_MOST_LABELS} values; '{output.name}' has "
                f"{output.count}"
            )
        if self.softmax and output.count == 1:
            raise HeadError("[audio] softmax must be false for an output of one value; is true")
        return output
