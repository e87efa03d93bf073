"""The tensors of a program by name, and which of the names mean one and the same."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparsify.program import Program


def named(program: Program) -> dict[str, Tensor]:
    """Every parameter and buffer, under every name."""
    module = program.module
    found: dict[str, Tensor] = dict(module.named_parameters(remove_duplicate=False))
    return found | dict(module.named_buffers(remove_duplicate=False))


def shared(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Further name -> first name, for tensors that lie in the same memory."""
    first: dict[object, str] = {}
    found = {}
    for name, tensor in tensors.items():
        place = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if tensor.numel() and first.setdefault(place, name) != name:
            found[name] = first[place]
    return found


def put(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Make `tensor` the parameter or buffer called `name`."""
    owner_name, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    if leaf in owner._buffers:
        owner._buffers[leaf] = tensor
    else:
        assert isinstance(tensor, nn.Parameter)
        owner._parameters[leaf] = tensor


def fingerprint(outputs: list[Tensor]) -> list[tuple[float, float]]:
    """For each output its length, and its product with a fixed wave, which order changes."""
    found = []
    for value in outputs:
        flat = value.detach().cpu().double().reshape(-1)
        # masked positions may hold -inf
        flat = flat.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        wave = torch.cos(torch.arange(flat.numel(), dtype=torch.float64))
        found.append((float(flat.norm()), float(flat @ wave)))
    return found
