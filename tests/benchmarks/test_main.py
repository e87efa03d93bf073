"""The command `python -m benchmarks`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import catalog, readme, results
from benchmarks.case import Case, Goal, judge
from benchmarks.timing import Timing

KEYS = {"bench", "case", "value", "unit", "baseline", "ratio", "goal", "holds"}
CASES = [
    "masked_step",
    "cap_step",
    "cap_step_live_teacher",
    "compile",
    "self_test",
    "mask_update",
]


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command.app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.stdout


def fake(monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    """A benchmark of one case with the ratio 2."""
    case = judge("training", "a", Timing(((2.0, 1.0),), 1), "", Goal("<=", limit), quick=False)
    monkeypatch.setattr(catalog, "load", lambda _name: lambda _quick: iter([case]))


def test_a_quick_benchmark_prints_one_whole_line_a_case_and_judges_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "training.json"
    code, out = invoke("training", "--quick", "--output", str(kept))
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["case"] for line in lines] == CASES
    assert all(line.keys() >= KEYS for line in lines)
    assert all(line["holds"] is None and line["value"] > 0 for line in lines)
    result = json.loads(kept.read_text())
    assert result["cases"] == lines
    assert [Case.read(line).case for line in result["cases"]] == CASES
    assert result["command"] == "python -m benchmarks training --quick"


def test_without_a_name_the_benchmarks_are_listed() -> None:
    code, out = invoke()
    assert code == 0
    assert "training     Training and compiling: " in out
    assert "methods      Accuracy against sparsity; " in out


def test_an_unknown_benchmark_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "trainin"])
    with pytest.raises(SystemExit) as exit_:
        command.main()
    assert exit_.value.code == 2
    expected = "error: no benchmark named 'trainin'; did you mean 'training'?\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(("limit", "code"), [(2.0, 0), (1.5, 1)])
def test_a_goal_that_does_not_hold_is_exit_code_1(
    limit: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    fake(monkeypatch, limit)
    assert invoke("training")[0] == code
    assert len(list(tmp_path.glob("training-*.json"))) == 1


@pytest.mark.parametrize("option", ["--no-save", "--quick"])
def test_a_result_is_not_kept_when_it_is_not_wanted(
    option: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    fake(monkeypatch, 2.0)
    assert invoke("training", option)[0] == 0
    assert not list(tmp_path.iterdir())


def test_a_terminal_gets_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, 1.5)
    assert len(list(command.shown("training", quick=False, as_json=False))) == 1
    out = capsys.readouterr().out
    assert out.startswith("training, 1 thread ")
    assert "does not hold" in out


def test_a_folder_that_is_not_there_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, 2.0)
    output = str(tmp_path / "no" / "result.json")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "training", "--output", output])
    with pytest.raises(SystemExit) as exit_:
        command.main()
    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'no'}: no such folder; make it first\n"


def test_pages_are_rewritten_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog, "ROOT", tmp_path / "benchmarks")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    (tmp_path / "docs").mkdir()
    for page in readme.PAGES:
        (tmp_path / page).write_text("# no table\n")
    code, told = invoke("readme")
    assert (code, told.splitlines()) == (0, [f"{page} was up to date" for page in readme.PAGES])
    assert (tmp_path / "README.md").read_text() == "# no table\n"
