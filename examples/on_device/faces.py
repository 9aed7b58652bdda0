# Runs on the board: finds faces, cuts each out, and has a second network mark its 468 points.
#
# examples/faces/pipeline.py puts this file and a picture into the store and listens. Models:
# "faces" finds, "landmarks" gives x, y, z of each point in pixels of its 192x192 input.
from array import array

import xipnet
from xipnet import preprocess, store

SCENE, SHAPE = "scene.rgb", (512, 512, 3)
SIDE, MARGIN = 192, 1.5  # of the second network's input; of what it sees, in boxes

finder = xipnet.Model("faces")
marker = xipnet.Model("landmarks")


def around(box):
    """Return left, top and side of a square around a box, within the picture."""
    side = int(min(MARGIN * max(box[2] - box[0], box[3] - box[1]), SHAPE[0], SHAPE[1]))
    left = int((box[0] + box[2] - side) / 2)
    top = int((box[1] + box[3] - side) / 2)
    return max(0, min(left, SHAPE[1] - side)), max(0, min(top, SHAPE[0] - side)), side


def mark(scene, box):
    """Return the points of a face, x and y in turn, in pixels of the scene."""
    left, top, side = around(box)
    part = preprocess.crop(scene, SHAPE, (left, top, side, side))
    places = marker.run(part, shape=(side, side, 3))[0]
    points = array("f", bytes(8 * (len(places) // 3)))
    for i in range(len(points) // 2):
        points[2 * i] = left + places[3 * i] * side / SIDE
        points[2 * i + 1] = top + places[3 * i + 1] * side / SIDE
    return points


def run():
    scene = store.read(SCENE)
    found = finder.run_head(scene, shape=SHAPE)
    for face in found:
        points = mark(scene, face.box)
        xipnet.emit("face", {"box": face.box, "score": face.score, "points": bytes(points)})
    xipnet.emit("done", len(found))


run()
