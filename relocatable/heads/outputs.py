"""Find what a head reads: the model's outputs and its picture's size."""

from __future__ import annotations

from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor


def find_output(graph: Graph, kind: str, key: str, index: int) -> Tensor:
    """Find an output of the model.

    Args:
        graph: the network.
        kind: the head's name, for the message.
        key: of the description that holds the index.
        index: of the output.

    Raises:
        HeadError: the model has fewer outputs.
    """
    if index >= len(graph.outputs):
        raise HeadError(
            f"[{kind}] {key} must be below {len(graph.outputs)}, the model's outputs; is {index}"
        )
    return graph.tensors[graph.outputs[index]]


def picture_size(graph: Graph, kind: str) -> tuple[int, int]:
    """Find height and width of the model's first input, in pixels.

    Raises:
        HeadError: it is no picture [1, height, width, channels].
    """
    tensor = graph.tensors[graph.inputs[0]]
    if len(tensor.shape) != 4:
        raise HeadError(
            f"[{kind}] input '{tensor.name}' must be a picture [1, height, width, channels]; "
            f"is {list(tensor.shape)}"
        )
    return tensor.shape[1], tensor.shape[2]


def check_labels(labels: tuple[str, ...], count: int, what: str) -> None:
    """Refuse labels that are neither absent nor as many as what they name.

    Raises:
        HeadError: names the rule and the number seen.
    """
    if len(labels) not in (0, count):
        raise HeadError(f"labels must be as many as {what} ({count}); are {len(labels)}")
