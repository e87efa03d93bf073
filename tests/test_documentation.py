"""The documentation is true: it builds, its links lead somewhere, and its snippets run."""

from __future__ import annotations

import gzip
import json
import logging
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

import sparsify
from benchmarks import catalog
from benchmarks.__main__ import CHOOSE, METHODS, README, ZOO
from benchmarks.methods.command import app as methods
from sparsify import schema
from sparsify.cli import app
from sparsify.errors import Problem
from tests.sparsify import tiny
from tests.sparsify.plugin_sources import without_plugins

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHORT = ("--set", "train.steps=2", "--set", "train.batch=4")
"""What makes training short enough for a test."""
OLD_RECIPE = """\
modifiers:
  - !GMPruningModifier
    params: __ALL_PRUNABLE__
    init_sparsity: 0.05
    final_sparsity: 0.8
    start_epoch: 0.0
    end_epoch: 2.0
    update_frequency: 0.5
"""


@dataclass(frozen=True)
class Snippet:
    """One fenced block of a page."""

    language: str
    title: str
    text: str


def snippets(page: Path) -> list[Snippet]:
    return [Snippet(*found) for found in FENCE.findall(page.read_text())]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what the pages speak of: FOLDER, data, a module of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tiny.save("bert", tmp_path / "FOLDER", max_position_embeddings=128)
    tiny.tokenizer(mask_token="[UNK]").save_pretrained(tmp_path / "FOLDER")
    rows = "sentence\tlabel\n" + "".join(f"{'ab'[i % 2]} c d\t{i % 2}\n" for i in range(24))
    for split in ("train", "validation"):
        (tmp_path / f"{split}.tsv").write_text(rows)
        (tmp_path / f"{split}.tsv.gz").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "old.yaml").write_text(OLD_RECIPE)
    with without_plugins():
        yield tmp_path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_of_code_says_its_language(page: Path) -> None:
    assert all(each.language for each in snippets(page))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(s.language != "text" for s in snippets(page))], ids=named
)
def test_snippets_run_from_the_top_of_a_page_to_its_end(page: Path, desk: Path) -> None:
    names: dict[str, Any] = {}
    for each in snippets(page):
        if each.title:
            (desk / each.title).write_text(each.text)
        elif each.language == "python":
            exec(compile(each.text, named(page), "exec"), names)
        elif each.language == "yaml":
            is_recipe(each.text, desk)
        elif each.language == "json":
            json.loads(each.text)
        elif each.language == "toml":
            tomllib.loads(each.text)
        elif each.language == "sh":
            for line in commands(each.text):
                does(line)


def commands(text: str) -> Iterator[str]:
    """The lines without their comments."""
    for line in text.replace("\\\n", " ").splitlines():
        if line := re.sub(r"(^|\s+)#.*", "", line).strip():
            yield line


def does(line: str) -> None:
    """Run what calls the tool or Python; of what takes hours, see that it is there."""
    match shlex.split(line):
        case ["sparsify", *words]:
            calls(line, words)
        case ["python", "-c", code]:
            exec(compile(code, line, "exec"), {})
        case ["python", "-m", "benchmarks", "methods", *words]:
            get_command(methods).make_context("methods", words)
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case ["pip", "install", package]:
            assert (
                package == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
            )
        case ["export", _]:
            pass
        case _:
            pytest.fail(f"nobody runs {line!r}")


def calls(line: str, words: list[str]) -> None:
    if words[0] == "run":
        words += ["--set", "export.bench=false", *(SHORT if trains(words[1]) else ())]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, f"{line}\n{done.output}"


def trains(recipe: str) -> bool:
    path = schema.builtin_recipes().get(recipe, Path(recipe))
    return "\ntrain:" in path.read_text() or "\nextends:" in path.read_text()


def is_recipe(text: str, desk: Path) -> None:
    """Raise a Problem if `text` is neither a recipe nor a part of one."""
    tree = yaml.safe_load(text)
    if isinstance(tree, list):
        tree = {"passes": tree}
    elif not tree.keys() & {"passes", "extends"}:
        tree["passes"] = ["clean"]
    path = desk / "snippet.yaml"
    path.write_text(yaml.safe_dump(tree))
    schema.read(str(path))


def test_the_site_builds_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    monkeypatch.chdir(ROOT)
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = Ear(logging.WARNING)
    logging.getLogger("mkdocs").addHandler(ear)
    try:
        build(load_config("mkdocs.yml", site_dir=str(tmp_path / "site")))
    finally:
        logging.getLogger("mkdocs").removeHandler(ear)
    assert heard == []
    python = (tmp_path / "site/reference/python/index.html").read_text()
    missing = [name for name in sparsify.__all__ if f"sparsify.{name}<" not in python]
    assert missing == ["__version__"]


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    assert [p.name for p in sorted(ROOT.glob("docs/*.md")) if f" {p.name}\n" not in menu] == []


def test_a_snippet_that_is_no_recipe_is_noticed(desk: Path) -> None:
    with pytest.raises(Problem, match="no criterion named 'magnitud'"):
        is_recipe("- prune: {criterion: magnitud, sparsity: 0.5}", desk)


def test_commands_are_found_in_a_snippet() -> None:
    text = "make demo\nsparsify run a \\\n  --model b   # what it does\nsparsify show c\n"
    assert list(commands(text)) == ["make demo", "sparsify run a    --model b", "sparsify show c"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_benchmarks_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    known = {*catalog.benchmarks(), README, ZOO, METHODS, CHOOSE}
    assert set(re.findall(r"python -m benchmarks ([a-z]\w*)", text)) <= known
    for module in re.findall(r"python -m (benchmarks\.[\w.]*\w)", text):
        assert find_spec(module)


def test_a_command_that_nobody_runs_is_noticed() -> None:
    with pytest.raises(pytest.fail.Exception, match="nobody runs 'rm x'"):
        does("rm x")
