"""Quantise a model by ai-edge-quantizer, in a process of its own.

It runs LiteRT, which may abort.

python -P recipe_child.py FOLDER

Reads request.json, model.tflite and samples.npy there; writes out.tflite.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Answer the request in a folder."""
    import numpy as np
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer, recipe_manager

    logging.disable()
    request = json.loads((folder / "request.json").read_text())
    operations = qtyping.TFLOperationName
    values = dict(request["values"])
    if "weight_granularity" in values:
        values["weight_granularity"] = qtyping.QuantGranularity[values["weight_granularity"]]
    if "algorithm_key" in values:
        values["algorithm_key"] = algorithm_manager.AlgorithmName[values["algorithm_key"]]
    recipe = recipe_manager.RecipeManager()
    add = getattr(recipe, request["config"])
    add(regex=".*", operation_name=operations.ALL_SUPPORTED, **values)
    if request["float_io"]:
        for place in (operations.INPUT, operations.OUTPUT):
            recipe.add_quantization_config(
                regex=".*",
                operation_name=place,
                algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
            )
    work = quantizer.Quantizer(bytearray((folder / "model.tflite").read_bytes()))
    work.load_quantization_recipe(recipe.get_quantization_recipe())
    found = None
    if work.need_calibration:
        samples = np.load(folder / "samples.npy")
        given = [{request["input"]: one[np.newaxis]} for one in samples]
        found = work.calibrate({request["signature"]: given}, num_threads=1)
    result = work.quantize(found, enable_progress_bar=False, enable_progress_report=False)
    (folder / "out.tflite").write_bytes(bytes(result.quantized_model))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
