"""Program -> folder."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from sparsify.atomic import make_folder
from sparsify.models import Source
from sparsify.models.source import quiet
from sparsify.program import MASK, Program
from sparsify.saving.manifest import (
    INPUTS,
    MANIFEST,
    VERSION,
    WEIGHTS,
    Change,
    Manifest,
    Saved,
    digest,
    write,
)
from sparsify.saving.tensors import fingerprint, named, shared


def save(program: Program, folder: Path | str, source: Source | nn.Module | None = None) -> None:
    """Write `program` to `folder`, for `sparsify.load`.

    While the structure is the model's own and no mask is left, a Hugging Face model becomes a plain
    checkpoint, which `from_pretrained` loads with no help. Otherwise weights lie in
    `model.safetensors` under the model's own names, and `sparsify.json` says how they belong
    together; `from_pretrained` refuses such a folder where a structure was removed. Weights are
    written with the zeros of their masks.

    Args:
        program: the program.
        folder: is made where it is missing; files of these names are replaced when all is written.
        source: the model that was captured, for its configuration, or all that came with it.

    Raises:
        Problem: the folder cannot be written to.
    """
    folder = make_folder(folder)
    if isinstance(source, nn.Module):
        source = Source(source, getattr(source, "config", None), None, "", None)
    if source is not None:
        _save_assets(source, folder)
    tensors = _written(program)
    module = None if source is None else source.module
    if isinstance(module, PreTrainedModel) and not program.edits and not program.masks():
        _save_plainly(module, tensors, folder)
        (folder / MANIFEST).unlink(missing_ok=True)
        return
    aliases = shared(named(program))
    kept = {name: tensor for name, tensor in tensors.items() if name not in aliases}
    removed = _removed(module, kept) if program.edits else []
    # transformers refuses a tensor of another size; for a missing one it would draw new weights
    _save(kept | dict.fromkeys(removed, torch.empty(0)), folder / WEIGHTS)
    _save(program.inputs, folder / INPUTS)
    write(folder, _manifest(program, source, kept, aliases, removed, folder))


def _save_assets(source: Source, folder: Path) -> None:
    if source.config is not None:
        source.config.architectures = [type(source.module).__name__]
    source.save_assets(folder)


def _written(program: Program) -> dict[str, Tensor]:
    """Tensors as they are written: zeros of masks in the weights, masks as truth values."""
    tensors = {name: tensor.detach() for name, tensor in named(program).items()}
    masks = program.masks()
    for node in program.parameters():
        name = str(node.target)
        if name in masks:
            tensors[f"{name}{MASK}"] = masks[name].bool()
            # what a look-up reads dense keeps what the mask hides from the product
            if len(node.users) == 1:
                tensors[name] = tensors[name] * masks[name]
    return tensors


def _removed(module: nn.Module | None, kept: dict[str, Tensor]) -> list[str]:
    """The parameters of the model that the program has no more."""
    known = {} if module is None else dict(module.named_parameters())
    return [name for name in known if name not in kept]


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    draft = path.with_name(f"{path.name}.part")
    whole = {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(whole, draft, metadata={"format": "pt"})
    draft.replace(path)


def _save_plainly(module: PreTrainedModel, tensors: dict[str, Tensor], folder: Path) -> None:
    """The checkpoint that `module` itself would write, with the values of `tensors`."""
    names = {id(tensor): name for name, tensor in module.named_parameters()}
    state = module.state_dict(keep_vars=True)
    values = {}
    for name, tensor in state.items():
        found = tensors.get(names.get(id(tensor), name), tensor.detach())
        # one tensor under all its names, for what is tied is written once
        values[name] = found
    with quiet():
        module.save_pretrained(folder, state_dict=values)


def _manifest(
    program: Program,
    source: Source | None,
    tensors: dict[str, Tensor],
    aliases: dict[str, str],
    removed: list[str],
    folder: Path,
) -> Manifest:
    of_transformers = source is not None and source.config is not None
    name = "" if source is None else source.name
    return Manifest(
        version=VERSION,
        architecture=type(source.module).__name__ if source and of_transformers else "",
        factory=name if ":" in name and not of_transformers else "",
        dynamic=program.dynamic,
        opaque=list(program.origin.opaque),
        edits=[Change(kind=edit.kind, what=edit.what) for edit in program.edits],
        masks=list(program.masks()),
        tensors={
            name: Saved(shape=list(tensor.shape), dtype=_dtype(tensor.dtype))
            for name, tensor in tensors.items()
        },
        shared=aliases,
        removed=removed,
        outputs=fingerprint(program.outputs()),
        digests={name: digest(folder / name) for name in (WEIGHTS, INPUTS)},
        versions={name: version(name) for name in ("sparsify-fx", "torch", "transformers")},
    )


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
