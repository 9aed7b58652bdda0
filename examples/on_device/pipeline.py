# Runs on the board, alone and for ever: frame -> detect -> crop -> classify -> emit.
#
# It is the main.py of the bundle that examples/pipeline.toml describes: it runs when that becomes
# active and at every start; whoever listens on the PC sees what it emits.
import json

import xipnet
from xipnet import preprocess, store

SCENE, SCENE_SHAPE = "scene.gray", (303, 384)  # what the camera would see
SETTINGS = json.loads(bytes(store.read("sorter/settings")))
VIEW = SETTINGS["view"]

detector = xipnet.Model("sorter/coins")
second = xipnet.Model("sorter/shade2")
following = None  # becomes the second model at the next frame


@xipnet.rpc
def use(name):
    """Take another model as the second one, from the next frame on; the loop goes on."""
    global following
    following = xipnet.Model(name)  # if it cannot be opened, only this call fails


def frames():
    """Yield a camera's pictures: a window that wanders over the scene in flash."""
    scene = store.read(SCENE)
    left, step = 0, SETTINGS["step"]
    while True:
        yield preprocess.crop(scene, SCENE_SHAPE, (left, SETTINGS["top"], VIEW[1], VIEW[0]))
        if not 0 <= left + step <= SCENE_SHAPE[1] - VIEW[1]:
            step = -step
        left += step


def look(frame, box):
    """Return what the second model says of a box of a frame."""
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    width, height = min(int(box[2]), VIEW[1]) - left, min(int(box[3]), VIEW[0]) - top
    part = preprocess.crop(frame, VIEW, (left, top, width, height))
    best = second.classify(part, shape=(height, width))[0]
    return box, best.label, best.score


def run():
    global second, following
    for number, frame in enumerate(frames()):
        if following is not None:
            second.close()
            second, following = following, None
        found = [look(frame, d.box) for d in detector.detect(frame, shape=VIEW)]
        model = second.name.split("/")[-1]
        xipnet.emit("coins", {"frame": number, "model": model, "found": found})


run()
