# For the board: keeps runs of a model in a ring of objects of the store (docs/SPEC-capsule.md).
#
#     xipnet put examples/on_device/capsule.py
#
# and in a script on the board
#
#     import capsule, xipnet
#     model = xipnet.Model("digits")
#     keeper = capsule.Capsule(model, "odd", slots=8)
#     for item in (stream := model.stream(source)):
#         if item.result[0].score < 0.6:
#             keeper.keep(stream.window, captured_us=item.captured_us)
#
# Each run that is kept writes an object: at least a sector of flash and an entry of the log.
import hashlib
import struct

import xipnet

_HEADER = "<4sHBB32sIIQ"
_STATE_BYTES = 112  # where a blob says how much it keeps from run to run (docs/SPEC-blob.md)


class Capsule:
    """A ring of runs: NAME.0, NAME.1, ... of the store; one that is there goes on."""

    def __init__(self, model, name="capsule", slots=8):
        blob = xipnet.store.read(model.name)
        if struct.unpack_from("<I", blob, _STATE_BYTES)[0]:
            raise ValueError(model.name + " keeps a state: its runs cannot be repeated alone")
        self._model, self._name, self._slots = model, name, slots
        self._sha256 = hashlib.sha256(blob).digest()
        self._sequence = 0
        for stored in xipnet.store.list():
            start, _, slot = stored["name"].rpartition(".")
            if start == name and slot.isdigit():
                header = struct.unpack_from(_HEADER, xipnet.store.read(stored["name"]))
                self._sequence = max(self._sequence, header[5] + 1)

    def keep(self, *inputs, captured_us=0):
        """Run the network on these bytes, one buffer for each input, and keep both."""
        outputs = self._model.run(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        buffers = [bytes(memoryview(x)) for x in inputs + outputs]
        header = struct.pack(
            _HEADER,
            b"XNCP",
            1,
            len(inputs),
            len(outputs),
            self._sha256,
            self._sequence,
            self._slots,
            captured_us,
        )
        parts = [header]
        parts.extend(struct.pack("<I", len(b)) for b in buffers)
        parts.extend(buffers)
        slot = self._sequence % self._slots
        xipnet.store.write(f"{self._name}.{slot}", b"".join(parts))
        self._sequence += 1
