"""`--after` and `--stop-after`: the program between two passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsify import load, to_text
from tests.sparsify import tiny
from tests.sparsify.conftest import Answer

RECIPE = """
capture: {check: false}
passes:
  - clean
  - insert-masks
  - prune: {criterion: magnitude, sparsity: 0.5, targets: [ffn]}
  - prune: {criterion: magnitude, sparsity: 0.25, targets: [attention]}
"""
POINTS = ["clean", "insert-masks", "prune:1", "prune:2", "fold-masks"]


@pytest.fixture
def recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    tiny.save("bert", tmp_path / "model")
    capsys.readouterr()
    (tmp_path / "r.yaml").write_text(RECIPE)
    return "r.yaml"


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("# ")]


def test_the_program_is_printed_after_every_pass(call: Callable[..., Answer], recipe: str) -> None:
    found = call("plan", recipe, "--model", "model", "--after", "all", "--quiet")
    assert (found.code, found.err) == (0, "")
    assert headings(found.out) == ["# at the start", *(f"# after {name}" for name in POINTS)]
    assert found.out.count("\nprogram(") == len(POINTS) + 1
    assert "predicted, batch 1" in found.out


def test_a_run_ends_after_a_pass_with_the_program_shown_and_saved(
    call: Callable[..., Answer], recipe: str, tmp_path: Path
) -> None:
    asked = ("run", recipe, "--model", "model", "-o", "out", "--quiet", "--stop-after", "prune:1")
    found = call(*asked)
    assert (found.code, found.err) == (0, "stopped after prune:1; the program is in out\n")
    assert headings(found.out) == ["# after prune:1"]
    assert "# 50.0% zero" in found.out
    assert not (tmp_path / "out" / "report.json").exists()
    assert not (tmp_path / "out" / "work").exists()
    saved = to_text(load(tmp_path / "out"))
    assert saved.count("# 50.0% zero") == found.out.count("# 50.0% zero") == 4
    told = json.loads(call(*asked, "--overwrite", "--json").out)
    assert (told["stopped_after"], told["folder"]) == ("prune:1", "out")
    assert told["program"].startswith("program(")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--after", "prune"), "--after: `prune` runs twice; say prune:1 or prune:2"),
        (("--after", "prune:3"), "--after: r has no pass 'prune:3'; did you mean 'prune:2'?"),
        (("--after", "cleen"), "--after: r has no pass 'cleen'; did you mean 'clean'?"),
        (("--stop-after", "all"),
         "--stop-after: r has no pass 'all'; "
         "known: clean, fold-masks, insert-masks, prune:1, prune:2"),
        (("--stop-after", "clean", "--push-to-hub", "me/small"),
         "--push-to-hub: uploads a result, and --stop-after makes none; leave one out"),
        (("--after", "all", "--json"),
         "--after: prints text, and --json prints none; leave one out"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_before_anything_runs(
    call: Callable[..., Answer], recipe: str, options: tuple[str, ...], message: str
) -> None:
    found = call("run", recipe, "--model", "nothing", *options)
    assert (found.code, found.out, found.err) == (2, "", f"error: {message}\n")
