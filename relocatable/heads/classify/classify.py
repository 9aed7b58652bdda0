"""Configuration and C call of the head `classify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from relocatable.blob.record import CLASSES, Record
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, only_output
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class ClassifyHead(Head):
    """A classifier that reports the best k values of an output.

    Attributes:
        output: which of the model's outputs holds the scores.
        top_k: how many at most.
        softmax: the model gives logits.
    """

    kind: ClassVar[str] = "classify"
    record: ClassVar[Record] = CLASSES

    output: int
    top_k: int
    softmax: bool

    @classmethod
    def read(
        cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None
    ) -> ClassifyHead:
        """Read the table [classify]."""
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            top_k=table.integer("top_k", 1, 1000, 3),
            softmax=table.boolean("softmax", False),
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take a row of scores, not as long as the input, of runs that stand alone."""
        output = only_output(graph)
        if output is None or output.count < 2 or max(output.shape) != output.count:
            return None
        if output.count == graph.tensors[graph.inputs[0]].count or graph.states:
            return None
        is_share = bool(result_of(graph, graph.outputs[0]))
        what = "probabilities" if is_share else "logits"
        why = f"output '{output.name}' is a row of {output.count} {what}"
        return Guess({"top_k": min(3, output.count), "softmax": not is_share}, why)

    def most_items(self, graph: Graph) -> int:
        """Count the k best, or all if there are fewer."""
        return min(self.top_k, self._output(graph).count)

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_classify_best."""
        output = self._output(graph)
        if self.labels and len(self.labels) != output.count:
            raise HeadError(
                f"labels must be as many as values of output '{output.name}' ({output.count}); "
                f"are {len(self.labels)}"
            )
        params: dict[str, CValue] = {
            "count": output.count,
            "top_k": self.most_items(graph),
            "softmax": int(self.softmax),
        }
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_classify", "classify", params),
            Output("xn_classes"),
        )
        inputs = (graph.outputs[self.output],)
        return self.kernel_call(CCall("xn_classify_best", arguments), inputs, result)

    def _output(self, graph: Graph) -> Tensor:
        if self.output >= len(graph.outputs):
            raise HeadError(
                f"[classify] output must be below {len(graph.outputs)}, the model's; "
                f"is {self.output}"
            )
        return graph.tensors[graph.outputs[self.output]]
