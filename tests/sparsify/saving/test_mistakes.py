"""A folder that is damaged, or does not fit its model, is one sentence with the file's name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import sparsify
from sparsify.errors import Problem
from sparsify.saving.manifest import digest
from tests.sparsify.programs import Tied, Toy, captured
from tests.sparsify.saving.test_saving import UP, shrunk


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    program, source = shrunk()
    sparsify.save(program, folder, source)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def manifest(folder: Path, **changes: Any) -> None:
    path = folder / "sparsify.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change tensors and let the manifest vouch for them."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    digests = json.loads((folder / "sparsify.json").read_text())["digests"]
    manifest(folder, digests=digests | {path.name: digest(path)})


def refused(folder: Path, **options: Any) -> str:
    with pytest.raises(Problem) as caught:
        sparsify.load(folder, **options)
    return str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == f"{tmp_path / 'none'}: no such folder"


@pytest.mark.parametrize("name", ["model.safetensors", "inputs.safetensors"])
def test_a_file_that_was_changed_or_lost(folder: Path, name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert refused(folder) == f"{path}: is damaged; copy the folder again"
    path.unlink()
    assert refused(folder) == f"{path}: is missing; copy the folder again"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"version": 1, "tensor": 3}', '"text"'])
def test_a_broken_manifest(folder: Path, content: str) -> None:
    path = folder / "sparsify.json"
    path.write_text(content)
    assert refused(folder) == f"{path}: is damaged; copy the folder again"


def test_a_manifest_of_the_future(folder: Path) -> None:
    manifest(folder, version=2)
    assert refused(folder) == (
        f"{folder / 'sparsify.json'}: was written by a later version of sparsify (2); "
        "upgrade sparsify"
    )


def test_a_broken_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    assert refused(folder) == f"{folder}: config.json is broken; copy it again"


def test_a_class_that_transformers_does_not_have(folder: Path) -> None:
    import transformers

    manifest(folder, architecture="NoSuchModel")
    assert (
        refused(folder) == f"{folder}: transformers {transformers.__version__} has no NoSuchModel; "
        "install the version that saved it"
    )


def hint(folder: Path) -> str:
    made_by = json.loads((folder / "sparsify.json").read_text())["versions"]
    return "it was saved with " + ", ".join(f"{name} {v}" for name, v in made_by.items())


def test_tensors_of_other_shapes_missing_or_strange(folder: Path) -> None:
    name, path = UP.format(0, "weight"), folder / "model.safetensors"

    def shorter(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name] = tensors[name][1:].clone()

    weights(folder, shorter)
    assert refused(folder) == (
        f"{path}: the tensor {name!r} is [39, 32], and the model has [40, 32]; {hint(folder)}"
    )
    weights(folder, lambda tensors: tensors.__delitem__(name))
    assert refused(folder) == f"{path}: the tensor {name!r} is missing; {hint(folder)}"
    weights(folder, lambda tensors: tensors.update({name: torch.ones(40, 32), "x": torch.ones(1)}))
    assert refused(folder) == f"{path}: the model has no tensor 'x'; {hint(folder)}"


def test_weights_that_are_not_those_of_the_program(folder: Path) -> None:
    name = UP.format(0, "weight")
    weights(folder, lambda tensors: tensors.update({name: tensors[name] * 1.5}))
    version = json.loads((folder / "sparsify.json").read_text())["versions"]["transformers"]
    assert refused(folder) == (
        f"{folder}: the program's outputs are not those it was saved with; "
        f"it was saved with transformers {version}"
    )


def test_a_module_of_ones_own_must_be_handed_over(tmp_path: Path) -> None:
    sparsify.save(captured(Tied()), tmp_path)
    assert refused(tmp_path) == (
        f"{tmp_path}: was saved from a module of your own; hand it over: load(folder, model=...)"
    )
    assert refused(tmp_path, model=Toy()).startswith(
        f"{tmp_path / 'model.safetensors'}: the tensor 'head.bias' is missing; it was saved with"
    )


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as caught:
        sparsify.save(captured(Tied()), tmp_path / "file" / "below")
    assert (
        str(caught.value)
        == f"{tmp_path / 'file' / 'below'}: cannot be written to (not a directory)"
    )
