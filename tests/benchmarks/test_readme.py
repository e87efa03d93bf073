"""Tables of the README from results that are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import readme, results
from benchmarks.case import Goal, judge
from benchmarks.timing import Timing
from sparsify.errors import Problem
from sparsify.report import Phase, RunReport, Scores

MACHINE = {"system": "Linux", "processor": "Some CPU", "torch_threads": "2", "gpu": "none"}
TRAINING = """\
before
<!-- table:training -->
| case | what | ours | baseline | ratio | goal |
| --- | --- | ---: | ---: | ---: | ---: |
| `step` | a against b | 1,100 ms | 1,000 ms | 1.10 | <= 1.15 |

`python -m benchmarks training`, 2026-01-02, Some CPU, 2 threads, torch 9.9; medians of pairs \
in turns. The ratio is ours / baseline, and baseline / ours where the goal is `>=`.
<!-- end -->
after
"""
RUNS = """\
<!-- table:runs -->
| task | model | recipe | metric | dense | sparse | kept | sparsity | training | machine |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| mrpc | some_bert | `cap` | accuracy | 0.8000 | 0.7600 | 95.0% | 90.0% | 1,200 s | Some CPU, 2 threads |

Dense and sparse: the metric in ONNX Runtime. Training: the sparse model alone.
<!-- end -->
"""  # noqa: E501  a row of a table is one line


def report(model: str = "package://some_bert/model") -> RunReport:
    return RunReport(
        recipe="cap",
        model=model,
        seed=1,
        versions={},
        machine=MACHINE,
        pruned_sparsity=0.9,
        dense=Scores(main="accuracy", values={"accuracy": 0.81}),
        dense_onnx=Scores(main="accuracy", values={"accuracy": 0.8}),
        sparse_onnx=Scores(main="accuracy", values={"accuracy": 0.76}),
        phases=[
            Phase(name="teacher", seconds=600, peak_memory_mb=1),
            Phase(name="train", seconds=1200, peak_memory_mb=1),
        ],
    )


def empty(text: str) -> str:
    """`text` with nothing between its markers."""
    head, _, rest = text.partition(" -->\n")
    return f"{head} -->\n<!-- end -->{rest.partition('<!-- end -->')[2]}"


def test_the_training_table_is_made_from_the_newest_result(tmp_path: Path) -> None:
    case = judge(
        "training", "step", Timing(((1.1, 1.0),), 2), "a against b", Goal("<=", 1.15), quick=False
    )
    results.save(tmp_path / "training-2026-01-02.json", "training", [case], quick=False)
    kept = json.loads((tmp_path / "training-2026-01-02.json").read_text())
    assert kept["seed"] == results.SEED
    assert kept["versions"]["torch"]
    kept |= {"date": "2026-01-02", "machine": MACHINE, "versions": {"torch": "9.9"}}
    (tmp_path / "training-2026-01-02.json").write_text(json.dumps(kept))
    (tmp_path / "training-2026-01-01.json").write_text("{}")
    assert readme.rewritten(empty(TRAINING), tmp_path) == TRAINING
    assert readme.rewritten(TRAINING, tmp_path) == TRAINING


def test_an_operators_model_may_have_a_comma(tmp_path: Path) -> None:
    name = "Attention, 80% sparse, batch 8"
    case = judge("operators", name, Timing(((0.1, 1.0),), 1), "a share", None, quick=False)
    results.save(tmp_path / "operators-2026-01-02.json", "operators", [case], quick=False)
    assert "| 80% sparse, batch 8 | `Attention` | 10% |" in readme.shares(tmp_path)


def test_the_table_of_runs_has_one_row_a_report(tmp_path: Path) -> None:
    report().save(tmp_path / "run-mrpc.json")
    assert readme.rewritten(empty(RUNS), tmp_path) == RUNS


def test_the_table_of_runs_does_not_say_where_a_model_lay(tmp_path: Path) -> None:
    report("/home/someone/packages/some_bert/model/").save(tmp_path / "run-mrpc.json")
    assert readme.rewritten(empty(RUNS), tmp_path) == RUNS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<!-- table:rums -->\n<!-- end -->",
            "README.md: no table named 'rums'; did you mean 'runs'?",
        ),
        ("<!-- table:runs -->\n", "README.md: the table 'runs' has no `<!-- end -->`"),
        (
            "<!-- table:training -->\n<!-- end -->",
            "benchmarks/results: no training-*.json; run `python -m benchmarks training`",
        ),
        (
            "<!-- table:runs -->\n<!-- end -->",
            "benchmarks/results: no run-*.json; copy the report.json of a run there as "
            "run-TASK.json",
        ),
    ],
)
def test_a_table_that_cannot_be_made_is_a_mistake(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        readme.rewritten(text, tmp_path)
    assert str(caught.value) == message


def test_a_run_that_pruned_nothing_has_no_row(tmp_path: Path) -> None:
    report().model_copy(update={"pruned_sparsity": None}).save(tmp_path / "run-mrpc.json")
    with pytest.raises(Problem, match="the report of 'mrpc' holds no scores"):
        readme.runs(tmp_path)
