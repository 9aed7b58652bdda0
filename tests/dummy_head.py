"""A head that xipnet does not have, as the one folder that adds it.

`above` finds every value of an output that is at least a threshold. Its items have a field of each
role and several types, in another order than they lie in memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

MOST = 6
LABELS = ("zero", "one", "two", "three", "four", "five")  # of more values

_PYTHON = '''
"""Head `above`: the values of an output that are at least a threshold."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.heads.head import Head
from relocatable.heads.values import values_of
from relocatable.steps.c_call import CCall, Output, Struct


@dataclass(frozen=True)
class AboveHead(Head):
    kind: ClassVar[str] = "above"
    record: ClassVar[Record] = Record(
        32,
        (
            RecordField("label", "int32", 4, role="label"),
            RecordField("score", "float32", 0),
            RecordField("box", "float32", 16, 4, role="points"),
            RecordField("places", "int16", 8, 3),
            RecordField("is_last", "uint8", 14),
        ),
    )

    threshold: float
    most: int

    @classmethod
    def read(cls, table, labels, image):
        least = table.number("threshold", 0.0, 1.0)
        head = cls(labels, image, least, table.integer("most", 1, 100))
        table.end()
        return head

    def most_items(self, graph):
        return self.most

    def call(self, graph, result):
        output = graph.tensors[graph.outputs[0]]
        params = {
            "count": output.count,
            "most": self.most,
            "threshold": np.float32(self.threshold),
        }
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_above", "above", params),
            Output("xn_above_items"),
        )
        return self.kernel_call(CCall("xn_above_find", arguments), graph.outputs[:1], result)


HEAD = AboveHead
'''

_C = """
#include "ops/_shared/xn_kernel.h"
#include "heads/value.h"

typedef struct xn_above {
    int32_t count, most;
    float threshold;
} xn_above;

typedef struct xn_above_item {
    float score;
    int32_t label;
    int16_t places[3];
    uint8_t is_last, reserved;
    float box[4];
} xn_above_item;

typedef struct xn_above_items {
    uint32_t count, reserved[3];
    xn_above_item item[];
} xn_above_items;

XN_KERNEL void xn_above_find(const xn_values *values, const xn_above *p,
                             xn_above_items *found) {
    *found = (xn_above_items){0};
    for (int32_t i = 0; i < p->count && found->count < (uint32_t)p->most; i++) {
        float x = xn_value_at(values, i);
        if (x >= p->threshold) {
            int16_t at = (int16_t)i;
            found->item[found->count++] = (xn_above_item){
                x, i, {at, (int16_t)-at, 300}, i == p->count - 1, 0, {0.0f, 0.25f, 1.0f, 0.5f},
            };
        }
    }
}
"""

_HEAD = {"head": "above", "labels": LABELS, "above": {"threshold": 0.0, "most": MOST}}
_COMPILE = """
import json, sys
from relocatable import compile_model

model, head, target, blob = sys.argv[1:]
open(blob, "wb").write(compile_model(model, target=target, head=json.loads(head)))
"""


def compile_with_new_head(folder: Path, model: Path, target: str) -> bytes:
    """Compile a model with the head `above`, in a copy that has its folder.

    Args:
        folder: gets the copy.
        model: a .tflite.
        target: a CPU of `relocatable.TARGETS`.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "relocatable", folder / "relocatable", ignore=ignored)
    head = folder / "relocatable" / "heads" / "above"
    head.mkdir()
    (head / "__init__.py").write_text(_PYTHON, encoding="utf-8")
    (head / "above.c").write_text(_C, encoding="utf-8")
    blob = folder / "above.blob"
    command = [sys.executable, "-c", _COMPILE, str(model), json.dumps(_HEAD), target, str(blob)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    subprocess.run(command, check=True, cwd=folder, env=environment)
    return blob.read_bytes()


def name_of(index: int) -> str:
    """Name a label of the head."""
    return LABELS[index] if index < len(LABELS) else str(index)
