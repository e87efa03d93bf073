"""Calibration takes the first training rows, and one-shot recipes run on them from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparsify import schema
from sparsify.report import RunReport
from sparsify.run import plan, run
from sparsify.run.calibration import calibration, stand_in
from tests.sparsify import tiny
from tests.sparsify.programs import program, rows

ONE_SHOT = ("wanda-oneshot-50", "sparsegpt-oneshot-50", "obert-oneshot-50")
CPU = torch.device("cpu")


def test_it_is_the_first_rows_each_once_and_short_ones_together() -> None:
    data = rows(50)
    found = calibration(data, 20, CPU)
    assert [len(batch["labels"]) for batch in found] == [8, 8, 4]
    lengths = torch.cat([batch["attention_mask"].sum(1) for batch in found])
    assert torch.equal(lengths, lengths.sort().values)
    seen = sorted(
        tuple(row[mask.bool()].tolist())
        for batch in found
        for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    )
    assert seen == sorted(tuple(row["input_ids"]) for row in data.rows[:20])


def test_each_row_keeps_its_label() -> None:
    data = rows(30)
    for batch in calibration(data, 30, CPU):
        # the second token tells the class
        assert torch.equal(batch["input_ids"][:, 1] - 5, batch["labels"])


def test_fewer_rows_than_wanted_are_all() -> None:
    assert sum(len(batch["labels"]) for batch in calibration(rows(5), 128, CPU)) == 5


def test_a_plan_has_something_of_the_right_shape() -> None:
    found = program("bert")
    (batch,) = stand_in(found)
    assert batch.keys() == {*found.inputs, "labels"}
    assert len(batch["labels"]) == len(found.inputs["input_ids"])


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a user sets: a tiny model, and text whose first word is its class."""
    folder = tmp_path_factory.mktemp("toy")
    tiny.save("bert", folder / "model")
    for split in ("train", "validation"):
        lines = [f"{'ab'[i % 2]} {'cdefgh'[i % 6]} {'cdefgh'[i % 5]}\t{i % 2}" for i in range(24)]
        (folder / f"{split}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    data = [f"data.{split}={folder / split}.tsv" for split in ("train", "validation")]
    return [f"model={folder / 'model'}", *data, "data.calibration_rows=16", "export.bench=false"]


@pytest.mark.parametrize("recipe", ONE_SHOT)
def test_a_one_shot_recipe_runs_and_its_plan_promises_what_it_does(
    recipe: str, sets: list[str], tmp_path: Path
) -> None:
    loaded = schema.read(recipe, sets)
    report: RunReport = run(loaded, tmp_path / "out")
    assert report.pruned_sparsity == pytest.approx(0.5, abs=0.001)
    assert report.parity is not None
    assert report.parity.max_abs_difference < 1e-5
    planned = plan(schema.read(recipe, sets[:1]))
    assert [step.facts.get("sparsity_fraction") for step in planned.passes][-1] == 0.5
