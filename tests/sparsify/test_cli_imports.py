"""`sparsify import-recipe`: the table, the file, and what a program gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sparsify import schema
from tests.sparsify.conftest import Answer

OLD = Path(__file__).parent / "importing" / "recipes"


def test_the_new_recipe_is_written_and_read(call: Callable[..., Answer], tmp_path: Path) -> None:
    found = call("import-recipe", OLD / "wanda.yaml", "-o", "new.yaml")
    assert found.code == 0
    assert found.out.splitlines()[-1] == "written to new.yaml"
    assert "clean" in {each.tag for each in schema.read("new.yaml").recipe.passes}
    again = call("import-recipe", OLD / "wanda.yaml", "-o", "new.yaml")
    assert again.code == 2
    assert again.err == "error: new.yaml: is there already; replace it with --overwrite\n"
    assert call("import-recipe", OLD / "wanda.yaml", "-o", "new.yaml", "--overwrite").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.yaml"]


def test_without_a_file_the_recipe_is_printed(call: Callable[..., Answer], tmp_path: Path) -> None:
    found = call("import-recipe", OLD / "magnitude.md").out
    (tmp_path / "printed.yaml").write_text(found[found.index("# Imported") :])
    assert schema.read("printed.yaml").recipe.train is not None


def test_a_lost_key_can_be_an_exit_code(call: Callable[..., Answer]) -> None:
    found = call("import-recipe", OLD / "transfer.yaml", "--strict")
    assert found.code == 1
    assert found.err.startswith("check failed: 3 of the keys of ")
    assert call("import-recipe", OLD / "top-k.yaml", "--strict").code == 0


def test_a_program_gets_every_key(call: Callable[..., Answer]) -> None:
    path = OLD / "nncf-magnitude.json"
    found = json.loads(call("import-recipe", path, "--epochs", "12", "--json").out)
    assert found["tool"] == "NNCF"
    assert found["counts"]["lost"] == 0
    assert found["recipe"].startswith("# Imported from nncf-magnitude.json, a recipe of NNCF.\n")
    row = next(each for each in found["keys"] if each["old"] == "compression.0.sparsity_init")
    assert (row["value"], row["fate"], row["where"]) == ("0.2", "same", f"{path}:4:5")
