from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsify.history import HISTORY
from tests.sparsify.conftest import Answer
from tests.sparsify.view.runs import history, report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run."""
    made = tmp_path / "out"
    made.mkdir()
    report().save(made / "report.json")
    history().save(made / HISTORY)
    (made / "recipe.yaml").write_text("model: m\n")
    return made


def test_a_run_becomes_a_page_in_its_folder(call: Callable[..., Answer], folder: Path) -> None:
    answer = call("report", "out")
    assert (answer.code, answer.out, answer.err) == (0, "out/report.html\n", "")
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<figure>") == 4
    assert "model: m" in page
    assert not list(folder.glob("*.part"))


def test_an_older_run_becomes_a_page_elsewhere(call: Callable[..., Answer], folder: Path) -> None:
    (folder / HISTORY).unlink()
    (folder / "recipe.yaml").unlink()
    assert call("report", "out", "--output", "page.html").out == "page.html\n"
    assert "<figure>" not in Path("page.html").read_text()


def test_what_is_no_run_or_no_place_is_said(call: Callable[..., Answer], folder: Path) -> None:
    for arguments, message in (
        (("nowhere",), "nowhere/report.json: no such file"),
        (
            ("out", "-o", "away/a.html"),
            "--output away/a.html: there is no such folder; make it, or name another",
        ),
        (("out", "-o", "out"), "--output out: is a folder; name a file"),
    ):
        answer = call("report", *arguments)
        assert (answer.code, answer.err) == (2, f"error: {message}\n")
    assert not (folder / "report.html").exists()


def test_a_run_is_shown_with_its_charts_and_its_table_last(
    call: Callable[..., Answer], folder: Path
) -> None:
    shown = call("show", "out").out
    assert "contrast 1.4" in shown
    assert "mask churn" in shown
    assert shown.index("insert-masks") < shown.index("loss by term") < shown.index("parity: ")
    assert "latency, 1 x 64 tokens, 2 threads" in shown.splitlines()[-2]
    assert json.loads(call("show", "out", "--json").out) == json.loads(report().model_dump_json())
