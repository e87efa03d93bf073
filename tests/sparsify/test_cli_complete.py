"""What the command line promises of every verb: examples, schemas of JSON, exit codes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sparsify.run
from sparsify.cli import app, completing, main
from sparsify.cli.examples import EXAMPLES
from sparsify.cli.schemas import SUBJECTS
from sparsify.pipeline import Pass
from sparsify.schema import builtin_recipes
from tests.sparsify import tiny
from tests.sparsify.conftest import Answer

DOCS = Path(__file__).parents[2] / "docs"
OLD = Path(__file__).parent / "importing" / "recipes"
VERBS = [
    each.name or str(getattr(each.callback, "__name__", "")).replace("_", "-")
    for each in app.registered_commands
]
PLUGIN = '''
from sparsify import Pass, Program, Report


class LookOnly(Pass):
    """Looks, and changes nothing."""

    exact = True

    def run(self, program: Program) -> Report:
        return Report(left={"everything": "it only looks"})
'''
ROWS = "sentence\tlabel\n" + "a good film\t1\na bad film\t0\n" * 6
WITHOUT_JSON = {"report", "schema"}
"""Verbs that write a file or JSON anyway."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples need, and then what they have made."""
    made = tmp_path_factory.mktemp("examples")
    tiny.save("bert", made / "FOLDER")
    (made / "old.yaml").write_text((OLD / "wanda.yaml").read_text())
    (made / "nncf.json").write_text((OLD / "nncf-magnitude.json").read_text())
    (made / "train.tsv").write_text(ROWS)
    (made / "my_pass.py").write_text(PLUGIN)
    return made


def called(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command in this process."""
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    try:
        main()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_every_verb_has_examples() -> None:
    assert sorted(EXAMPLES) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_the_examples(call: Callable[..., Answer], verb: str) -> None:
    shown = " ".join(call(verb, "--help").out.split())
    for command in EXAMPLES[verb]:
        assert command.startswith(f"sparsify {verb}")
        assert command in shown


@pytest.mark.parametrize("verb", EXAMPLES)
def test_the_examples_run_and_their_json_keeps_to_its_schema(
    verb: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    first, *rest = EXAMPLES[verb]
    json_too = "" if verb in WITHOUT_JSON else " --json"
    assert called(f"{first}{json_too}", monkeypatch) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    for command in rest:
        assert called(command, monkeypatch) == 0, capsys.readouterr().err
    capsys.readouterr()
    if json_too:
        assert called(f"sparsify schema {verb}", monkeypatch) == 0
        jsonschema.validate(json.loads(printed), json.loads(capsys.readouterr().out))


def test_every_schema_is_one(call: Callable[..., Answer]) -> None:
    for subject in SUBJECTS:
        jsonschema.Draft202012Validator.check_schema(json.loads(call("schema", subject).out))
    found = call("schema", "plans")
    assert (found.code, found.err) == (
        2, "error: no schema named 'plans'; did you mean 'plan'?\n"
    )  # fmt: skip
    assert set(VERBS) - WITHOUT_JSON | {"recipe", "report", "history"} == set(SUBJECTS)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["--version"]),
        (1, ["import-recipe", str(OLD / "transfer.yaml"), "--strict"]),
        (2, ["plan", "nowhere.yaml"]),
        (2, ["plan"]),
        (130, ["plan", "magnitude-oneshot"]),
    ],
)
def test_exit_codes_are_those_of_the_docs(
    call: Callable[..., Answer],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    arguments: list[str],
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if code == 130:
        monkeypatch.setattr(sparsify.run, "plan", interrupted)
    documented = re.findall(r"^\| (\d+) \|", (DOCS / "cli.md").read_text(), re.MULTILINE)
    assert documented == ["0", "1", "2", "130"]
    assert call(*arguments).code == code


def test_no_color_means_none(call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m" in call("import-recipe", OLD / "wanda.yaml").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\d", call("import-recipe", OLD / "wanda.yaml").out)


def test_what_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.yaml", "mine.txt", ".hidden.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "mines").mkdir()
    assert completing.recipe_names("m")[-2:] == ["mine.yaml", "mines/"]
    assert completing.recipe_names("wanda-") == ["wanda-2-4", "wanda-oneshot-50"]
    assert completing.builtin_names("") == sorted(builtin_recipes())
    assert completing.subjects("import") == ["import-recipe"]
    ours = {tag for tag, cls in Pass.known.items() if cls.__module__.startswith("passes.")}
    assert set(completing.pass_names("")) == ours
    assert completing.pass_names("soft") == ["soft-prune"]
    assert completing.points("s") == ["start", "shrink", "soft-prune", "sparsegpt"]


def completed(line: str, folder: Path) -> list[str]:
    """What a shell would offer after `line`, for which nothing heavy may be imported."""
    code = (
        "import sys; sys.argv = ['sparsify']\n"
        "from sparsify.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'pandas', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    words = line.split(" ")
    shell: dict[str, Any] = {
        "_SPARSIFY_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "PYTHONPATH": ":".join(sys.path),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=shell, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_shell_completes_verbs_and_names(tmp_path: Path) -> None:
    assert completed("sparsify pl", tmp_path) == ["plan"]
    assert completed("sparsify run wanda-2", tmp_path) == ["wanda-2-4"]
    assert "--strict" in completed("sparsify import-recipe --s", tmp_path)
