"""What the outputs of an ONNX file are called."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def output_names(value: object, name: str = "") -> list[str]:
    """A name for every tensor in what a model returns: `logits`, `hidden_states_0`.

    Fields of a ModelOutput or dict keep theirs; a tensor alone is `logits`.
    """
    if isinstance(value, Tensor):
        return [name or "logits"]
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, (tuple, list)):
        parts = [(str(number), part) for number, part in enumerate(value)]
        name = name or "output"
    else:
        return []
    prefix = f"{name}_" if name else ""
    return [found for key, part in parts for found in output_names(part, prefix + key)]
