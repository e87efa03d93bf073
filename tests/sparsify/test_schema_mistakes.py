"""Mistakes in recipes: the exact sentence, with its place and a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from sparsify import plugins
from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.schema import read

BASE = """\
vars: {share: 0.5}
model: m
seed: 3
passes:
  - clean
  - prune: {criterion: magnitude, sparsity: "${share}"}
  - clean
data: {text: [a]}
"""


def table(name: str) -> list[tuple[str, str]]:
    """What was written and what is said of it, from a file of blocks between empty lines."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip("\n")
    rows = [("\n" + block).split("\n=> ") for block in text.split("\n\n")[1:]]
    return [(written.strip("\n"), said) for written, said in rows]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.load()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Pass, "known", dict(Pass.known))


@pytest.fixture
def _made_up(_here: None) -> None:
    class MadeUp(Pass):
        """Keys of kinds that the real passes do not have."""

        both: int | list[int]
        named: Annotated[dict[str, Annotated[int, Field(lt=2)]], Field(default={})]
        low: Annotated[float, Field(ge=1, lt=2)] | None = None
        few: Annotated[list[str], Field(min_length=1, default=["a"])]

        def run(self, program: Program) -> Report:
            return Report()


def said(text: str, *overrides: str) -> str:
    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as caught:
        read("a.yaml", overrides)
    return str(caught.value)


@pytest.mark.usefixtures("_made_up")
@pytest.mark.parametrize(("text", "message"), table("mistakes_in_recipes.txt"))
def test_a_mistake_in_a_recipe_is_told_with_its_place(text: str, message: str) -> None:
    assert said(text.replace("<tab>", "\t").replace("<nul>", "\0")) == message


@pytest.mark.parametrize(("override", "message"), table("mistakes_in_overrides.txt"))
def test_a_mistake_in_an_override_is_told_with_the_option(override: str, message: str) -> None:
    assert said(BASE, override) == message


def test_a_mistake_in_the_base_names_the_base() -> None:
    Path("base.yaml").write_text("passes: []\nseed: many\n")
    expected = "base.yaml:2:7: seed: expected an integer, not 'many'"
    assert said("extends: base.yaml\nmodel: m\n") == expected


def test_a_mistake_of_the_child_names_the_child() -> None:
    Path("base.yaml").write_text("passes: []\ntrain: {steps: 5}\n")
    expected = "a.yaml:3:11: train.steps: must be greater than 0, not 0"
    assert said("extends: base.yaml\ntrain:\n   steps: 0\n") == expected


def test_a_mistake_of_a_base_in_a_folder_names_it_from_here() -> None:
    Path("inner").mkdir()
    Path("inner/base.yaml").write_text("pases: []\n")
    expected = "inner/base.yaml:1:1: pases: unknown key; did you mean 'passes'?"
    assert said("extends: inner/base.yaml\n") == expected


def test_recipes_that_extend_each_other_are_refused() -> None:
    Path("b.yaml").write_text("extends: a.yaml\n")
    circle = "recipes extend each other in a circle: a.yaml -> b.yaml -> a.yaml"
    assert said("extends: b.yaml\n") == f"b.yaml:1:10: {circle}"


def test_an_option_comes_before_the_file() -> None:
    assert said("passes: [cleen]", "sede=1") == (
        "--set sede=1: sede: unknown key; did you mean 'seed'?"
    )


def test_what_is_missing_comes_after_what_is_wrong() -> None:
    assert said("model: m\nseed: many") == "a.yaml:2:7: seed: expected an integer, not 'many'"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "magnitude-oneshots",
            "no recipe named 'magnitude-oneshots'; did you mean 'magnitude-oneshot'?",
        ),
        ("b.yaml", "b.yaml: there is no such file; did you mean 'a.yaml'?"),
        ("x/y.yaml", "x/y.yaml: there is no such file"),
        (
            "magnitude-oneshot.yaml",
            "magnitude-oneshot.yaml: there is no such file; "
            "did you mean the built-in recipe 'magnitude-oneshot'?",
        ),
        ("folder", "folder: a folder, not a recipe; name the file in it"),
        ("latin.yaml", "latin.yaml: not UTF-8 text; is it a recipe?"),
    ],
)
def test_a_recipe_that_is_not_there_is_told(name: str, message: str) -> None:
    Path("a.yaml").write_text("passes: []")
    Path("folder").mkdir()
    Path("latin.yaml").write_bytes(b"model: \xe9\n")
    with pytest.raises(Problem) as caught:
        read(name)
    assert str(caught.value) == message
