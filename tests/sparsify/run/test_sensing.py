"""Curves equal the same done by hand, budgets are optimal, and the recipe runs with them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from passes.insert_masks import InsertMasks
from sparsify import schema
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.report import RunReport
from sparsify.run.sensing import Curve, Point
from sparsify.run.sensing.budgets import give, hull
from sparsify.run.sensing.replies import Replies
from tests.sparsify import tiny
from tests.sparsify.conftest import Answer
from tests.sparsify.programs import calibrated, ran

LAYER = "bert.encoder.layer.{}."
EARLY, LATE = (
    LAYER.format(layer) + part
    for layer, part in ((0, "attention.self.query.weight"), (1, "output.dense.weight"))
)
ROWS = "sentence\tlabel\n" + "a good film\t1\na bad film\t0\n" * 6


HALF = Point(sparsity=0.5, divergence=0.1, loss=None, accuracy=None)


def curve(name: str, weights: int, divergences: list[float]) -> Curve:
    points = [
        Point(sparsity=(i + 1) / len(divergences), divergence=d, loss=None, accuracy=None)
        for i, d in enumerate(divergences)
    ]
    return Curve(name=name, role="ffn.up", weights=weights, points=points)


def masked() -> Program:
    return calibrated(ran("bert", InsertMasks()))


def outputs(found: Program) -> list[torch.Tensor]:
    given = [{n: v for n, v in batch.items() if n != "labels"} for batch in found.samples]
    return [found.outputs(each)[0].double() for each in given]


def test_a_reply_is_that_of_the_whole_program_wherever_the_change_is() -> None:
    found = masked()
    dense = outputs(found)
    replies = Replies(found, regression=False)
    assert replies.dense.divergence == 0
    # forwards, and back to what has been passed
    for name in (EARLY, LATE, EARLY):
        mask = found.masks()[name]
        mask[:, ::2] = 0
        reply = replies.of({name})
        pairs = list(zip(dense, outputs(found), strict=True))
        mask.fill_(1)
        logits = torch.cat([each for _, each in pairs])
        labels = torch.cat([batch["labels"] for batch in found.samples])
        p = torch.cat([each for each, _ in pairs]).softmax(-1).numpy()
        q = logits.softmax(-1).numpy()
        expected = float((p * (np.log(p) - np.log(q))).sum(1).mean())
        assert reply.divergence == pytest.approx(expected, rel=1e-3, abs=1e-7)
        assert reply.loss == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-5)
        right = float((logits.argmax(-1) == labels).double().mean())
        assert reply.accuracy == pytest.approx(right)


def test_the_hull_is_convex_and_never_above() -> None:
    points = [(0.0, 0.0), (0.2, 0.5), (0.4, 0.1), (0.6, 0.3), (0.8, 0.4), (1.0, 2.0)]
    assert hull(points) == [(0.0, 0.0), (0.4, 0.1), (0.8, 0.4), (1.0, 2.0)]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_budgets_of_the_same_sum_are_better(seed: int) -> None:
    """Against every choice on a grid, for convex curves, where straight lines are exact."""
    random = np.random.default_rng(seed)
    sizes = [2, 1, 1]
    curves = [
        curve(str(i), size, np.cumsum(np.sort(random.exponential(size=4))).tolist())
        for i, size in enumerate(sizes)
    ]
    steps = [[0.0, *(point.divergence for point in each.points)] for each in curves]
    given = give(curves, 0.5)
    assert sum(s * size for s, size in zip(given, sizes, strict=True)) == pytest.approx(2.0)
    found = sum(float(np.interp(4 * s, range(5), c)) for s, c in zip(given, steps, strict=True))
    best = min(
        sum(c[k] for k, c in zip(chosen, steps, strict=True))
        for chosen in itertools.product(range(5), repeat=3)
        if sum(k * size for k, size in zip(chosen, sizes, strict=True)) == 8
    )
    assert found <= best + 1e-9


def test_more_than_was_measured_is_a_mistake() -> None:
    with pytest.raises(Problem, match=r"99\.0% is more than the 50\.0% that was measured"):
        give([Curve(name="a", role="ffn.up", weights=1, points=[HALF])], 0.99)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    tiny.save("bert", tmp_path / "model")
    (tmp_path / "train.tsv").write_text(ROWS)
    capsys.readouterr()
    return tmp_path


def test_the_recipe_has_the_budgets_that_are_told_and_runs_with_them(
    call: Callable[..., Answer], folder: Path
) -> None:
    found = call(
        "sense", "model", "--data", "train.tsv", "--sparsities", "0.5,0.9", "--sparsity", "0.75",
        "--recipe", "mine.yaml", "--json", "--quiet",
    )  # fmt: skip
    assert (found.code, found.err) == (0, "")
    told = json.loads(found.out)
    assert (folder / "mine.yaml").read_text().startswith("# 75.0% of all weights")
    *_, prune = schema.read("mine.yaml").recipe.passes
    options = prune.model_dump()
    assert options["budgets"] == {each["name"]: each["budget"] for each in told["curves"]}
    total = sum(each["weights"] for each in told["curves"])
    zeros = sum(each["weights"] * each["budget"] for each in told["curves"])
    assert zeros / total == pytest.approx(0.75, abs=1e-3)
    fast = [f"--set={each}" for each in ("capture.check=false", "export.bench=false")]
    done = call("run", "mine.yaml", "--output", "out", *fast, "--quiet")
    assert (done.code, done.err) == (0, "")
    report = RunReport.load(folder / "out" / "report.json")
    assert report.pruned_sparsity == pytest.approx(0.75, abs=1e-2)
    assert report.weights == pytest.approx(options["budgets"], abs=1e-2)


def test_heads_are_tried_by_layer(call: Callable[..., Answer], folder: Path) -> None:
    asked = ("--pattern", "head", "--sparsities", "0.5", "--json", "--quiet")
    found = call("sense", "model", "--data", "train.tsv", *asked)
    told = json.loads(found.out)
    assert [each["name"] for each in told["curves"]] == [EARLY, LAYER.format(1) + EARLY[21:]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recipe", "r.yaml"],
         "--recipe r.yaml: is made for a sparsity, and none is given; add --sparsity 0.8"),
        (["--sparsity", "0.99"],
         "--sparsity 0.99: must be between 0 and the largest of --sparsities, 0.95"),
        (["--sparsities", "0.5,x"],
         "--sparsities 0.5,x: must be numbers above 0 and up to 1; such as "
         "0.4,0.6,0.7,0.8,0.9,0.95"),
        ([], "there is nothing to calibrate on; set data.train=FILE, of which the first "
         "`data.calibration_rows` are used; in Python give `calibration`"),
        (["--pattern", "had"],
         "recipe: prune.pattern: no pattern named 'had'; did you mean 'head'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(
    call: Callable[..., Answer], folder: Path, arguments: list[str], said: str
) -> None:
    found = call("sense", "model", *arguments, "--quiet")
    assert (found.code, found.err) == (2, f"error: {said}\n")
    assert not (folder / "r.yaml").exists()
