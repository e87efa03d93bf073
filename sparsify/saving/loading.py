"""Folder -> program, with the outputs it had when it was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig

from sparsify import surgery
from sparsify.analysis.products import products
from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.models import Source, example_inputs, factory, folders, load_model
from sparsify.models.source import quiet
from sparsify.program import MASK, Edit, Program
from sparsify.recipe import Model
from sparsify.saving.manifest import INPUTS, MANIFEST, WEIGHTS, Manifest, read
from sparsify.saving.tensors import fingerprint, named, put
from sparsify.saving.write_back import write_back

TOLERANCE = 1e-4
"""The largest relative difference of the outputs from those when it was saved."""


def is_saved(path: str) -> bool:
    """Whether `path` is a folder that `save` left with a manifest."""
    return (Path(path).expanduser() / MANIFEST).is_file()


@overload
def load(
    folder: Path | str, model: nn.Module | None = None, *, as_model: Literal[False] = False
) -> Program: ...


@overload
def load(
    folder: Path | str, model: nn.Module | None = None, *, as_model: Literal[True]
) -> nn.Module: ...


def load(
    folder: Path | str, model: nn.Module | None = None, *, as_model: bool = False
) -> Program | nn.Module:
    """The program that `save` wrote to `folder`; a plain model folder is captured.

    Args:
        folder: the folder.
        model: the module that was captured, where it was one of your own; its weights are replaced.
        as_model: give back the module instead, with the program's weights written into it.

    Raises:
        Problem: a file is missing or damaged, does not fit the model, or the module's own code
            cannot run with the structures that were removed.
    """
    source, program = restored(folder, model)
    if not as_model:
        return program
    write_back(program, source.module)
    return source.module


def restored(folder: Path | str, model: nn.Module | None = None) -> tuple[Source, Program]:
    """As `load`, with the module, its configuration and its tokenizer beside the program."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise Problem("no such folder", where=str(folder))
    if not is_saved(str(folder)):
        source = load_model(Model(path=str(folder)))
        return source, capture(source.module, *example_inputs(source))
    manifest = read(folder)
    source = _source(folder, manifest, model)
    inputs = load_file(folder / INPUTS)
    program = capture(source.module.eval(), inputs, manifest.dynamic, opaque=manifest.opaque)
    surgery.replay(program, [Edit(edit.kind, edit.what) for edit in manifest.edits])
    _mask(program, manifest.masks)
    _fill(program, manifest, load_file(folder / WEIGHTS), folder)
    _require_outputs(program, manifest, folder)
    return source, program


def _source(folder: Path, manifest: Manifest, model: nn.Module | None) -> Source:
    """The module as it was before its structure changed, with weights of no meaning."""
    config = getattr(model, "config", None)
    tokenizer = None
    if model is None and manifest.architecture:
        folders.check(folder, str(folder))
        model, config = _built(folder, manifest.architecture)
    elif model is None and manifest.factory:
        model = factory.build(manifest.factory, classes=None)
    if model is None:
        raise Problem(
            "was saved from a module of your own",
            where=str(folder),
            hint="hand it over: load(folder, model=...)",
        )
    if folders.has_tokenizer(folder):
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return Source(model, config, tokenizer, manifest.factory or str(folder), folder)


def _built(folder: Path, architecture: str) -> tuple[nn.Module, transformers.PretrainedConfig]:
    kind = getattr(transformers, architecture, None)
    if kind is None:
        raise Problem(
            f"transformers {transformers.__version__} has no {architecture}",
            where=str(folder),
            hint="install the version that saved it",
        )
    with quiet(), torch.random.fork_rng(devices=[]):
        # what the program does not read keeps these values: the same on every load
        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(folder)
        return kind(config), config


def _mask(program: Program, weights: list[str]) -> None:
    """Give `weights` masks where products read them, as `insert-masks` does."""
    for name in weights:
        uses = [use for use in products(program) if use.weight == name]
        program.mask(uses[0].attribute, [use.reader for use in uses])
    program.module.recompile()


def _fill(program: Program, manifest: Manifest, tensors: dict[str, Tensor], folder: Path) -> None:
    """Put `tensors` where their names say, each into its own shape and no other."""
    known, where = named(program), str(folder / WEIGHTS)
    made_by = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    hint = f"it was saved with {made_by}"
    for name in manifest.removed:
        tensors.pop(name, None)
    for name in tensors.keys() - known.keys():
        raise Problem(f"the model has no tensor {name!r}", where=where, hint=hint)
    parameters = {name for name, tensor in known.items() if isinstance(tensor, nn.Parameter)}
    for name in sorted(parameters - tensors.keys() - manifest.shared.keys()):
        raise Problem(f"the tensor {name!r} is missing", where=where, hint=hint)
    for name, tensor in tensors.items():
        if tensor.shape != known[name].shape:
            raise Problem(
                f"the tensor {name!r} is {list(tensor.shape)}, "
                f"and the model has {list(known[name].shape)}",
                where=where,
                hint=hint,
            )
        is_mask = name.removesuffix(MASK) in manifest.masks
        known[name].data = tensor.to(known[name]) if is_mask else tensor
    for alias, name in manifest.shared.items():
        put(program.module, alias, known[name])


def _require_outputs(program: Program, manifest: Manifest, folder: Path) -> None:
    found = fingerprint(program.outputs())
    pairs = zip(found, manifest.outputs, strict=True) if len(found) == len(manifest.outputs) else ()
    near = [
        abs(number - saved) <= TOLERANCE * max(1.0, length)
        for (length, product), expected in pairs
        for number, saved in zip((length, product), expected, strict=True)
    ]
    if not near or not all(near):
        raise Problem(
            "the program's outputs are not those it was saved with",
            where=str(folder),
            hint=f"it was saved with transformers {manifest.versions.get('transformers')}",
        )
