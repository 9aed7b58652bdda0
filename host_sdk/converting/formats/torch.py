"""PyTorch: zip archives of `torch.export` and `torch.save`, and older pickles."""

from __future__ import annotations

from host_sdk.converting.source_format import Beginning, SourceFormat

_PICKLES = (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",)  # torch.save before 1.6
_MEMBERS = ("data.pkl", "archive_format", "serialized_exported_program.json")


def _is_torch(beginning: Beginning) -> bool:
    if beginning.start.startswith(_PICKLES):
        return True
    return any(name.rpartition("/")[2] in _MEMBERS for name in beginning.members)


FORMAT = SourceFormat(
    "a PyTorch model",
    _is_torch,
    way_out="convert it with litert-torch (`litert_torch.convert(model, inputs).export(...)`) in "
    "an environment of its own, and give the .tflite that it writes",
)
