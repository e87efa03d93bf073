"""report.json: written whole, read back equal, and described by the schema in the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparsify.errors import Problem
from sparsify.report import Parity, RunReport

ROOT = Path(__file__).parents[2]


def report() -> RunReport:
    parity = Parity(max_abs_difference=1e-7, tolerance=1e-4, shapes=[[1, 5]])
    return RunReport(recipe="toy", model="m", seed=1, versions={}, machine={}, parity=parity)


def test_a_report_comes_back_equal_and_leaves_no_draft(tmp_path: Path) -> None:
    report().save(tmp_path / "report.json")
    assert RunReport.load(tmp_path / "report.json") == report()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("{}", "no report of a run (recipe: Field required)"),
        ("text", "no report of a run (: Invalid JSON: expected ident at line 1 column 2)"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Problem) as caught:
        RunReport.load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_the_documented_schema_is_the_one_in_force() -> None:
    documented = json.loads((ROOT / "docs/report.schema.json").read_text())
    assert documented == RunReport.model_json_schema(), "run: sparsify schema report"
