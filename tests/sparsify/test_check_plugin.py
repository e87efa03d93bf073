"""`sparsify check-plugin`: the documented pass holds, and a bad one is told what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparsify import cli
from tests.sparsify.plugin_sources import DOCUMENTED, without_plugins

BAD = '''
from typing import ClassVar
import torch
from pydantic import Field
from sparsify import Pass, Problem, Program, Report
from sparsify.kinds import criterion

class Halve(Pass):
    exact: ClassVar[bool] = True
    by: float = 2.0

    def run(self, program: Program) -> Report:
        print("halving")
        for node in program.parameters():
            program.tensor(str(node.target)).data.div_(self.by)
        program.module.register_forward_hook(lambda *_: None)
        return Report(facts={"Halved Weights": float("nan")})

class Late(Pass):
    """Refuses, but too late. Source: this test."""
    def run(self, program: Program) -> Report:
        next(iter(program.masks().values())).zero_()
        raise Problem("no", hint="never")

class Dies(Pass):
    """Dies. Source: this test."""
    def run(self, program: Program) -> Report:
        raise KeyError("lost")

@criterion
def nameless(weight):
    return weight
'''

RUNS = "runs, or refuses and changes nothing"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with without_plugins():
        yield tmp_path


def check(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", ["sparsify", "check-plugin", *words])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    return int(exit.value.code or 0)


def test_the_documented_pass_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "drop_small.py").write_text(DOCUMENTED)
    assert check(monkeypatch, "drop_small.py") == 0
    shown = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    expected = """\
pass drop-small, drop_small.py

 check                                        encoder   decoder   plain module
 ─────────────────────────────────────────────────────────────────────────────
 says what it does                            holds     holds     holds
 says what each key means                     holds     holds     holds
 names its source                             holds     holds     holds
 is the same after a trip through YAML        holds     holds     holds
 runs, or refuses and changes nothing         holds     holds     holds
 leaves the spec holding                      holds     holds     holds
 keeps inputs and output shapes               holds     holds     holds
 keeps outputs, where it promises so          holds     holds     holds
 twice is the same as once                    holds     holds     holds
 tells what it did                            holds     holds     holds
 edits the program only, and prints nothing   holds     holds     holds"""
    assert shown.strip() == expected


def test_what_is_wrong_with_a_bad_plugin_is_told_and_exits_with_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.py").write_text(BAD)
    assert check(monkeypatch, "bad.py", "--json") == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    faults = {
        name: {
            each["check"]: each["fault"]
            for each in checks
            if each["fault"] and each["model"] in ("", "encoder")
        }
        for name, checks in found.items()
    }
    assert faults == {
        "pass halve": {
            "says what it does": "the class has no docstring",
            "says what each key means": "no docstring below 'by'",
            "keeps outputs, where it promises so": "`exact = True`, and outputs changed",
            "twice is the same as once": (
                "a second run changes the numbers of 'bert.embeddings.word_embeddings.weight'"
            ),
            "tells what it did": "the report tells neither what was done nor what was left",
            "edits the program only, and prints nothing": (
                "leaves a hook on the program; use program.plan"
            ),
        },
        "pass late": {RUNS: "refused, and changed the line of %masked"},
        "pass dies": {RUNS: "KeyError: 'lost' (bad.py:28)"},
        "criterion nameless": {
            "says what it does": "it has no docstring",
            "names its source": "no arXiv:NUMBER, doi:NUMBER or `Source: ...` in its docstring",
        },
    }
    assert said.err.startswith("check failed: ")


def test_options_that_a_pass_cannot_go_without_are_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DOCUMENTED.replace(" = 0.05", "").replace("DropSmall", "DropLess")
    (folder / "needs.py").write_text(text)
    assert check(monkeypatch, "needs.py") == 2
    assert capsys.readouterr().err == (
        "error: needs.py: drop-less.threshold: required, but missing; "
        "give it with `--set passes.drop-less.KEY=VALUE`\n"
    )
    assert check(monkeypatch, "needs.py", "--set", "passes.drop-less.threshold=0.1", "--json") == 0
