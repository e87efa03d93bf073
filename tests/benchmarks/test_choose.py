"""What a user should choose: forms are trained, exported, scored, timed, and put in a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import readme, results
from benchmarks.choose import command, table
from benchmarks.choose.forms import FORMS, Form
from benchmarks.methods.contenders import METHODS
from benchmarks.methods.summary import DEV, HELD_OUT

SMALL = (
    Form("dense", "as it is", "magnitude-kd", 0.9, "dense.onnx", dense=True),
    Form("int8", "in 8 bits", "magnitude-kd", 0.9, "dense.onnx", quantize="dynamic", dense=True),
    Form("sparse", "90% zeros", "magnitude-kd", 0.9),
    Form("cut", "in 8 bits", "structured-kd", 0.5, "model_quantized.onnx", quantize="dynamic"),
)


def test_forms_are_trained_once_and_measured_together(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "FORMS", SMALL)
    monkeypatch.setattr(command, "FOLDER", toy / "results" / "methods")
    monkeypatch.setattr(results, "FOLDER", toy / "results")
    arguments = ["--task", "toy", "--budget", "tiny", "--sequence", "16", "--data", str(toy)]
    arguments += ["--work", str(toy / "work")]
    done = CliRunner().invoke(command.app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = results.latest(toy / "results", "choose-toy")
    assert found is not None
    forms = {each["name"]: each for each in found["forms"]}
    assert list(forms) == [form.name for form in SMALL]
    assert forms["dense"]["faster"] == {"1": 1.0, "8": 1.0}
    assert forms["cut"]["size_bytes"] < forms["dense"]["size_bytes"]
    assert all(
        0 <= each["scores"][rows] <= 1 for each in forms.values() for rows in (DEV, HELD_OUT)
    )
    monkeypatch.setattr(command, "run_one", lambda *_, **__: pytest.fail("it was trained again"))
    assert CliRunner().invoke(command.app, arguments, catch_exceptions=False).exit_code == 0


def test_every_form_has_a_method_that_runs_at_its_sparsity() -> None:
    for form in FORMS:
        method = METHODS[form.method]
        assert form.sparsity in (*method.sparsities, 0.95), form.name
    assert len({form.name for form in FORMS}) == len(FORMS)


FOUND = {
    "task": "sst2",
    "sequence": 128,
    "threads": 1,
    "command": "python -m benchmarks choose",
    "date": "2026-11-21",
    "machine": {"gpu": "none", "processor": "a processor", "torch_threads": "1"},
    "versions": {"torch": "2.13.0"},
    "forms": [
        {
            "name": "dense",
            "says": "the fine-tuned model",
            "scores": {HELD_OUT: 0.91, DEV: 0.88},
            "size_bytes": 90_900_000,
            "gzip_bytes": 84_000_000,
            "latency_ms": {"1": 10.0, "8": 90.0},
            "faster": {"1": 1.0, "8": 1.0},
        }
    ],
}


def test_the_table_and_the_picture_of_a_result(tmp_path: Path) -> None:
    (tmp_path / "choose-sst2-2026-11-21.json").write_text(json.dumps(FOUND))
    assert readme.TABLES["choose-sst2"](tmp_path) == (
        "| form | how | held out | dev | file, MB | gzip, MB | batch 1, ms | faster | batch 8, ms "
        "| faster |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| dense | the fine-tuned model | 0.9100 | 0.8800 | 90.9 | 84.0 | 10.00 | 1.00 | 90.00 "
        "| 1.00 |\n\n"
        "`python -m benchmarks choose`, 2026-11-21, a processor, 1 thread, torch 2.13.0.\n"
    )
    table.plot(FOUND, tmp_path / "choosing.png")
    assert (tmp_path / "choosing.png").read_bytes()[:4] == b"\x89PNG"
