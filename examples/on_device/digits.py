# Runs on the board: names a digit that is drawn in text, and says how long the model took.
#
#     xipnet load examples/models/digits.tflite
#     xipnet run examples/on_device/digits.py
import time

import xipnet

PICTURE = """
..####..
..#..##.
.....##.
....##..
...##...
..##....
.##.....
.######.
"""

pixels = bytes(255 if c == "#" else 0 for c in PICTURE if c in ".#")
with xipnet.Model("digits") as model:
    started = time.ticks_us()
    classes = model.classify(pixels)
    took_us = time.ticks_diff(time.ticks_us(), started)
    for label, score in classes:
        print(f"{label} {score:.3f}")
    print("in", took_us, "us")
