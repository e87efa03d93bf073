"""Plugins in files: found, run once, told where they are from; mistakes in one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparsify import schema
from sparsify.errors import Problem
from sparsify.pipeline import Pass
from sparsify.plugin_files import comes_from, load_file, registries
from sparsify.schema import to_yaml
from tests.sparsify.plugin_sources import DOCUMENTED, RECIPE, WRONG, without_plugins


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the documented plugin and wrong ones; what they register is forgotten."""
    (tmp_path / "drop_small.py").write_text(DOCUMENTED)
    (tmp_path / "mine.yaml").write_text(RECIPE)
    for name, text in WRONG.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    with without_plugins():
        yield tmp_path


def test_the_documented_pass_has_at_most_thirty_lines() -> None:
    assert len(DOCUMENTED.splitlines()) <= 30


def test_a_file_is_run_once_and_its_pass_is_known(folder: Path) -> None:
    plugin = load_file(Path("drop_small.py"))
    (cls,) = plugin.passes
    assert cls is Pass.known["drop-small"]
    assert load_file(folder / "drop_small.py") is plugin
    assert comes_from(cls.__module__) == "drop_small.py"
    assert comes_from("passes.prune") == "built in"
    assert comes_from("torch.nn") == "torch"


def test_a_recipe_names_a_plugin_beside_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    recipe = f"{folder.name}/mine.yaml"
    found = schema.read(recipe, ["passes.drop-small.threshold=0.3"]).recipe
    assert found.passes[1].model_dump() == {"threshold": 0.3}
    assert found.plugins == [str(folder / "drop_small.py")]


def test_the_resolved_recipe_stands_alone_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    found = schema.read("mine.yaml")
    elsewhere = tmp_path / "elsewhere" / "again.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(found.text)
    assert schema.read(str(elsewhere)).recipe == found.recipe
    assert "plugins:" in to_yaml(found.recipe)


def test_a_child_keeps_the_plugins_of_the_recipe_that_it_extends(folder: Path) -> None:
    (folder / "deeper").mkdir()
    (folder / "deeper" / "child.yaml").write_text("extends: ../mine.yaml\nseed: 1\n")
    found = schema.read("deeper/child.yaml").recipe
    assert [Path(each).name for each in found.plugins] == ["drop_small.py"]
    assert [each.tag for each in found.passes] == ["insert-masks", "drop-small"]


def test_plugins_of_the_command_line_come_beside_those_of_the_recipe(folder: Path) -> None:
    shutil.copy("drop_small.py", "other.py")
    (folder / "other.py").write_text(DOCUMENTED.replace("DropSmall", "DropTiny"))
    (folder / "two.yaml").write_text("passes: [insert-masks, drop-tiny]\n")
    found = schema.read("two.yaml", plugin_files=[Path("other.py")]).recipe
    assert found.plugins == [str(folder / "other.py")]
    by_key = schema.read("two.yaml", ["plugins=[other.py]"]).recipe
    assert by_key == found


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("no.py", "--plugin: no plugin 'no.py'; name a Python file"),
        ("broken.py", "broken.py:3:14: not Python: expected ':'"),
        (
            "clash.py",
            "clash.py:3: the name 'prune' is taken by the pass Prune of passes.prune; "
            "choose another name",
        ),
        (
            "criterion_clash.py",
            "criterion_clash.py:3: the criterion 'wanda' is taken by one of passes.criteria; "
            "choose another name",
        ),
        (
            "empty.py",
            "empty.py: adds no pass and no method; define a class that subclasses sparsify.Pass, "
            "or a function under @criterion",
        ),
        (
            "fails.py",
            "fails.py:3: cannot be loaded: AttributeError: module 'os' has no attribute "
            "'no_such_thing'",
        ),
        (
            "missing_import.py",
            "missing_import.py:1: cannot be loaded: ModuleNotFoundError: No module named "
            "'no_such_package'",
        ),
    ],
)
def test_a_wrong_plugin_is_one_sentence_with_its_line(folder: Path, file: str, says: str) -> None:
    before = [dict(registry) for registry in registries()]
    with pytest.raises(Problem) as caught:
        load_file(Path(file), where="--plugin")
    assert str(caught.value) == says
    assert registries() == before


def test_a_plugin_that_a_recipe_names_and_nobody_has_is_told_where(folder: Path) -> None:
    (folder / "lost.yaml").write_text("passes: [clean]\nplugins:\n  - none.py\n")
    with pytest.raises(Problem) as caught:
        schema.read("lost.yaml")
    assert str(caught.value) == ("lost.yaml:3:5: plugins: no plugin 'none.py'; name a Python file")
