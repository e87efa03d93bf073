"""The command line, called in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparsify.cli import main


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Answer]:
    """`sparsify ARGUMENTS...` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERMINAL_WIDTH", "120")

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["sparsify", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        found = capsys.readouterr()
        return Answer(code, found.out, found.err)

    return run


@pytest.fixture
def write_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes `base.yaml`, or another file, into the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "base.yaml") -> str:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        return name

    return write
