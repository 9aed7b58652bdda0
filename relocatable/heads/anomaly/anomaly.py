"""Configuration and C calls of the head `anomaly`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, only_output
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.outputs import find_output
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, Constant, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall

Clusters = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class AnomalyHead(Head):
    """How far an input is from what is normal; one item.

    Without `centers` the model is an autoencoder: the score is the mean squared difference between
    its first input and the output, in real values. With them the output is an embedding: the score
    is the Euclidean distance to the nearest centre, less that centre's radius.

    Attributes:
        output: which of the model's outputs it is.
        threshold: a higher score is an anomaly, and so is one that is no number.
        centers: of clusters of normal inputs, in standardised values (value - mean) / std; () for
            an autoencoder.
        radii: of the clusters.
        mean, std: of each value of the embedding.
    """

    kind: ClassVar[str] = "anomaly"
    record: ClassVar[Record] = Record(
        8, (RecordField("score", "float32", 0), RecordField("is_anomaly", "uint8", 4))
    )

    output: int
    threshold: float
    centers: Clusters
    radii: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> AnomalyHead:
        """Read the table [anomaly]."""
        centers = table.rows("centers") if table.has("centers") else ()
        count, values = len(centers), len(centers[0]) if centers else 0
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            threshold=table.number("threshold", -1e30, 1e30),
            centers=centers,
            radii=table.numbers("radii", (0.0,) * count) if centers else (),
            mean=table.numbers("mean", (0.0,) * values) if centers else (),
            std=table.numbers("std", (1.0,) * values) if centers else (),
        )
        table.end()
        for key, seen, right in (
            ("radii", len(head.radii), count),
            ("mean", len(head.mean), values),
            ("std", len(head.std), values),
        ):
            if seen != right:
                raise table.error(key, f"{right} numbers", seen)
        if not all(side >= 1e-30 for side in head.std):
            raise table.error("std", "above 0", list(head.std))
        return head

    def metadata(self) -> dict[str, Any]:
        """List the entries of the metadata: the clusters are constants of the kernel."""
        metadata = super().metadata()
        for key in ("centers", "radii", "mean", "std"):
            del metadata["head"][key]
        return metadata

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take an output of the input's shape that is no softmax."""
        output, given = only_output(graph), graph.tensors[graph.inputs[0]]
        if output is None or output.shape != given.shape or len(graph.inputs) != 1:
            return None
        if result_of(graph, graph.outputs[0]) == "distribution":
            return None
        why = f"output '{output.name}' has the input's shape {list(output.shape)}"
        return Guess({"threshold": 1.0}, why, ("the threshold, on inputs that are normal",))

    def most_items(self, graph: Graph) -> int:
        """Return 1."""
        return 1

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_anomaly_error or xn_anomaly_distance."""
        output = find_output(graph, self.kind, "output", self.output)
        if self.centers:
            return self._distance(graph, output, result)
        given = graph.tensors[graph.inputs[0]]
        if given.count != output.count:
            raise HeadError(
                f"[anomaly] centers must be given, or output '{output.name}' have as many values "
                f"as input '{given.name}' ({given.count}); has {output.count}"
            )
        arguments = (
            Struct("xn_values", "given", values_of(given)),
            Struct("xn_values", "made", values_of(output, 1)),
            Struct("xn_anomaly", "anomaly", self._params(output)),
            Output("xn_anomaly_items"),
        )
        inputs = (graph.inputs[0], graph.outputs[self.output])
        return self.kernel_call(CCall("xn_anomaly_error", arguments), inputs, result)

    def _distance(self, graph: Graph, output: Tensor, result: int) -> KernelCall:
        if output.count != len(self.mean):
            raise HeadError(
                f"[anomaly] centers must have as many values as output '{output.name}' "
                f"({output.count}); have {len(self.mean)}"
            )
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_anomaly", "anomaly", self._params(output)),
            Constant("centers"),
            Constant("radii"),
            Constant("scales"),
            Output("xn_anomaly_items"),
        )
        mean, std = np.array(self.mean), np.array(self.std)
        return self.kernel_call(
            CCall("xn_anomaly_distance", arguments),
            (graph.outputs[self.output],),
            result,
            weights={
                "centers": np.asarray(np.array(self.centers) * std + mean, np.float32),
                "radii": np.array(self.radii, np.float32),
                "scales": np.asarray(1 / std, np.float32),
            },
        )

    def _params(self, output: Tensor) -> dict[str, CValue]:
        """Fill in the fields of xn_anomaly."""
        return {
            "count": output.count,
            "clusters": len(self.centers),
            "threshold": np.float32(self.threshold),
        }
