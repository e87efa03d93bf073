"""The comparison of methods: its runs, their restart, the table and the plot."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from benchmarks import __main__ as benchmarks
from benchmarks.methods import command, page, pull, running
from benchmarks.methods.budgets import BUDGETS
from benchmarks.methods.contenders import ALL, METHODS, VARIANTS, named
from benchmarks.methods.grid import Cell, cells
from benchmarks.methods.outcome import Outcome, read
from benchmarks.methods.summary import DEV, HELD_OUT, summary
from benchmarks.methods.tasks import TASKS, Split
from sparsify.data import files, squad
from sparsify.errors import Problem
from sparsify.watch import Watch
from tests.benchmarks.toys import TINY, TOY


def invoke(toy: Path, *more: str) -> str:
    arguments = ["--task", "toy", "--budget", "tiny", "--seeds", "1", "--data", str(toy)]
    chosen = ["--methods", "cap-movement", "--sparsities", "0.9", "--work", str(toy / "work")]
    done = CliRunner().invoke(command.app, [*arguments, *chosen, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_interrupted_run_goes_on_and_a_finished_one_is_not_run_again(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_watch: Watch, _step: int, _values: Any) -> None:
        raise KeyboardInterrupt

    task, budget = TASKS["toy"], BUDGETS["tiny"]
    cell = Cell(task, budget, METHODS["cap-movement"], 0.9, 0)
    stopping = Watch()
    # the student's first evaluation after a checkpoint; its teacher has fewer steps
    stopping.evaluated = lambda step, values: stop(stopping, step, values) if step > 3 else None  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        running.carry_out(cell, toy, toy / "work", [], stopping, "")
    assert "missing" in invoke(toy, "--list")
    assert "cap-movement-90-seed0: accuracy " in invoke(toy)
    (found,) = read(toy / "results" / "toy-tiny")
    assert found.resumed
    assert found.steps == 8
    assert found.zeros == pytest.approx(0.9, abs=0.01)
    assert found.rows == {"dev": 17, "held-out": 20}
    assert str(toy / "work") not in found.recipe
    monkeypatch.setattr(running, "carry_out", lambda *_: pytest.fail("it ran again"))
    invoke(toy)
    replace(found, recipe=f"# another comment\n{found.recipe}").save(toy / "results" / "toy-tiny")
    assert "another recipe" not in (listed := invoke(toy, "--list"))
    assert "1 of 1 done" in listed
    changed = replace(TINY, contrast=("extra=8",))
    monkeypatch.setitem(BUDGETS, "tiny", changed)
    assert "with another recipe: run it --again" in invoke(toy, "--list")


def test_the_terms_of_the_loss_are_held_against_each_other(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, "sst2", TOY)
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = [line.rsplit(maxsplit=2) for line in pull.lines(toy, toy / "work")]
    assert len(found) == 3 * 6
    for _, norm, cosine in found:
        assert float(norm) >= 0
        assert abs(float(cosine)) <= 1.01
    cosines = {" ".join(name.split()): float(cosine) for name, _, cosine in found}
    # what all are held against is the sum of these two
    assert max(cosines["pre-trained task"], cosines["pre-trained distillation"]) > 0.7


def test_no_text_is_learned_from_and_held_out(toy: Path) -> None:
    split = TOY.split(toy, toy / "work", seed=0)
    learned, aside = (
        files.read(str(path)).columns["sentence"] for path in (split.train, split.held_out)
    )
    assert len(aside) == 20
    assert len(learned) == 81
    assert not {*learned} & {*aside}
    assert TOY.split(toy, toy / "elsewhere", seed=1).held_out.read_bytes() == (
        split.held_out.read_bytes()
    )
    other = replace(TOY, folds=True).split(toy, toy / "elsewhere", seed=1)
    assert other.held_out.read_bytes() != split.held_out.read_bytes()


@pytest.mark.parametrize("budget", ["quick", "full"])
@pytest.mark.parametrize("task", ["sst2", "mrpc", "qnli", "squad"])
def test_every_run_of_the_list_has_a_recipe(task: str, budget: str) -> None:
    split = Split(Path("train.tsv"), Path("validation.tsv"), Path("held-out.tsv"))
    found = list(cells(TASKS[task], BUDGETS[budget], range(1)))
    assert {cell.method.name for cell in found} == METHODS.keys()
    for cell in found:
        recipe = cell.recipe(split).recipe
        assert recipe.train is not None
        assert recipe.train.batch == 32
        assert recipe.seed == 0
        assert recipe.data is not None
        assert (recipe.data.task == "question-answering") == (task == "squad")


def test_questions_are_held_out_with_their_answers(tmp_path: Path) -> None:
    answers = {"text": ["b"], "answer_start": [2]}
    rows = [{"context": "a b", "question": f"{n}?", "answers": answers, "id": n} for n in range(9)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = replace(TASKS["squad"], train="train.jsonl", held_out=3).split(tmp_path, tmp_path, 0)
    learned, aside = (squad.read(str(path)) for path in (found.train, found.held_out))
    assert (len(learned), len(aside)) == (6, 3)
    asked = {each.question for each in (*learned.questions, *aside.questions)}
    assert asked == {f"{n}?" for n in range(9)}


def test_a_base_is_a_method() -> None:
    assert {method.base for method in ALL.values() if method.base} <= METHODS.keys()


@pytest.mark.parametrize("name", list(VARIANTS))
def test_a_variant_differs_from_its_base_in_what_it_says(name: str) -> None:
    split = Split(Path("train.tsv"), Path("validation.tsv"), Path("held-out.tsv"))
    cell = Cell(TASKS["sst2"], BUDGETS["quick"], VARIANTS[name], 0.97, 0)
    (setting,) = VARIANTS[name].changes
    base = replace(cell, method=METHODS[VARIANTS[name].base or ""])
    lines = [each.recipe(split).text.splitlines() for each in (cell, base)]
    changed = [line.strip() for line in lines[0] if line not in lines[1]]
    path, value = setting.split("=")
    key = path.rsplit(".", 1)[1]
    assert [line.split(":")[0] for line in changed] == [key]
    assert float(yaml.safe_load(changed[0])[key]) == float(yaml.safe_load(value))


def test_variants_run_where_they_or_their_question_are_named() -> None:
    assert [method.name for method in named(["ablation", "movement-kd"])] == [
        "movement-kd", "cap-without-prc", "cap-without-snc", "cap-without-fic",
    ]  # fmt: skip
    assert not VARIANTS.keys() & {method.name for method in named([])}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--task", "sst"], "error: no task named 'sst'; did you mean 'sst2'?"),
        (["--budget", "huge"], "error: no budget named 'huge'; known: full, quick"),
        (
            ["--methods", "cap-movment"],
            "error: no method named 'cap-movment'; did you mean 'cap-movement'?",
        ),
        (["--sparsities", "x"], "error: --sparsities x: expected numbers"),
        (
            ["--sparsities", "0.5", "--methods", "soft-movement-kd"],
            "error: --sparsities 0.5: no method runs at these; soft-movement-kd does at 0.9, 0.97",
        ),
        (["--data", "/nowhere"], "error: /nowhere/sst2/train.tsv.gz: no such file; name the "),
    ],
)
def test_mistakes(
    arguments: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "methods", *arguments])
    with pytest.raises(SystemExit) as exit_:
        benchmarks.main()
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith(says)


def outcome(method: str, sparsity: float, seed: int, held_out: float, dev: float) -> Outcome:
    return Outcome(
        task="sst2",
        budget="quick",
        method=method,
        sparsity=sparsity,
        seed=seed,
        zeros=sparsity,
        macs=0.2,
        main="accuracy",
        sparse={DEV: {"accuracy": dev}, HELD_OUT: {"accuracy": held_out}},
        dense={DEV: {"accuracy": 0.9}, HELD_OUT: {"accuracy": 0.9}},
        rows={DEV: 872, HELD_OUT: 6000},
        teacher="0",
        steps=1000,
        wall_s=1200.0,
        cpu_s=600.0,
        train_wall_s=900.0,
        resumed=False,
        history=[],
        warnings=[],
        recipe="",
        command="",
        date="2026-11-21",
        machine={"gpu": "none", "processor": "a processor", "torch_threads": "1"},
        versions={"torch": "2.13.0"},
    )


FIXTURE = [
    outcome("cap-movement", 0.9, 1, 0.83, 0.82),
    outcome("movement-kd", 0.9, 1, 0.81, 0.82),
    outcome("cap-movement", 0.9, 0, 0.85, 0.84),
    outcome("movement-kd", 0.9, 0, 0.84, 0.85),
    outcome("cap-movement", 0.97, 0, 0.80, 0.79),
]

PAGE = """\
before
<!-- table:methods -->
### sst2, quick

![accuracy against sparsity](results/sst2-quick.png)

| method | sparsity | zeros | seeds | held out | to its base | dev | to its base | of dense, held out | CPU s | wall s |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| `movement-kd` | 90% | 90.0% | 2 | 0.8250 +- 0.0212 |  | 0.8350 +- 0.0212 |  | 91.7% | 600 | 1,200 |
| `cap-movement` | 90% | 90.0% | 2 | 0.8400 +- 0.0141 | +0.0150 (s.e. 0.0050) | 0.8300 +- 0.0141 | -0.0050 (s.e. 0.0050) | 93.3% | 600 | 1,200 |
| `cap-movement` | 97% | 97.0% | 1 | 0.8000 |  | 0.7900 |  | 88.9% | 600 | 1,200 |

Budget `quick`: bounded rows and steps, bf16 autocast, no dropout in the student; 1,000 steps. Dense: 0.9000 (dev), 0.9000 (held-out). Rows: 872 dev, 6,000 held-out. +- is the standard deviation over seeds, s.e. the standard error of the mean paired difference. a processor, 1 thread; torch 2.13.0. `python -m benchmarks methods --task sst2 --budget quick`
<!-- end -->
after
"""  # noqa: E501  a row of a table is one line


def test_the_page_holds_a_table_and_a_plot_of_each_set(tmp_path: Path) -> None:
    for each in FIXTURE:
        each.save(tmp_path / "results" / "sst2-quick")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "results.md").write_text("before\n<!-- table:methods -->\nold\n<!-- end -->\nafter\n")
    written = [path.name for path in page.rewrite(tmp_path / "results", docs)]
    assert written == ["sst2-quick.png", "results.md"]
    assert (docs / "results" / "sst2-quick.png").read_bytes()[:4] == b"\x89PNG"
    text = (docs / "results.md").read_text().replace("±", "+-")
    assert text == PAGE


def test_variants_have_a_table_of_their_own() -> None:
    variant = outcome("cap-without-snc", 0.97, 0, 0.79, 0.78)
    lines, variants = page.parted(summary([*FIXTURE, variant]))
    assert "cap-without-snc" not in page.table(lines)
    row = page.table(variants, changes=True).splitlines()[-1]
    assert "`cap-without-snc` | `passes.contrast.snapshots=0` | 97% " in row
    assert "| 0.7900 | -0.0100 |" in row
    assert "One thing changed:" in page.section(lines, variants, [variant], "picture.png")


def test_a_page_without_markers_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "results.md").write_text("nothing\n")
    with pytest.raises(Problem, match="no `<!-- table:methods -->`; write it there"):
        list(page.rewrite(tmp_path, tmp_path))


def test_a_gain_is_paired_by_seed() -> None:
    by_name = {(line.method, line.sparsity): line for line in summary(FIXTURE)}
    assert list(by_name) == [("movement-kd", 0.9), ("cap-movement", 0.9), ("cap-movement", 0.97)]
    gain = by_name["cap-movement", 0.9].gain(HELD_OUT)
    assert gain is not None
    assert (gain.mean, gain.count) == (pytest.approx(0.015), 2)
    assert gain.error == pytest.approx(0.005)
    assert by_name["cap-movement", 0.97].gain(HELD_OUT) is None
    # half of the seeds have a base
    (line,) = (
        each for each in summary(FIXTURE[:2] + FIXTURE[2:3]) if each.method == "cap-movement"
    )
    gain = line.gain(HELD_OUT)
    assert gain is not None
    assert gain.count == 1


@pytest.mark.parametrize("budget", sorted(BUDGETS))
def test_a_method_without_a_teacher_is_held_against_the_dense_model_of_the_others(
    budget: str,
) -> None:
    cell = Cell(TASKS["sst2"], BUDGETS[budget], METHODS["magnitude"], 0.9, 0)
    split = TASKS["sst2"].named(Path("d"), Path("w"), 0)
    alone, taught = (
        replace(cell, method=METHODS[name]).recipe(split).recipe
        for name in ("magnitude", "magnitude-kd")
    )
    assert alone.teacher is not None
    assert alone.teacher == taught.teacher
