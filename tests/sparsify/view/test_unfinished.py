"""A run that did not come to its end, as it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from expecttest import assert_expected_inline

from sparsify.errors import Problem
from sparsify.history import History
from sparsify.report import Point
from sparsify.run.folder import claim
from sparsify.run.unfinished import Unfinished, unfinished
from sparsify.training.checkpoint import seal
from sparsify.training.kept import Kept
from sparsify.view.unfinished import unfinished_view
from tests.sparsify.conftest import Answer

RUN = Unfinished(
    folder="out/mine",
    phase="train",
    step=100,
    steps=1500,
    written="2026-11-21 18:02",
    resume="sparsify run cap-movement-90 --model m --resume",
    points=[Point(step=90, values={"accuracy": 0.8125, "task_loss": 0.4})],
    history=History(steps=1500),
)


def test_it_says_where_it_is_and_how_to_go_on(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(unfinished_view(RUN)),
        """\
out/mine: an unfinished run, no result yet
training: 100 of 1,500 steps in its last checkpoint, of 2026-11-21 18:02
accuracy after step 90: 0.8125
if it was interrupted, continue with: sparsify run cap-movement-90 --model m
--resume""",
    )
    early = RUN.model_copy(update={"phase": "", "points": [], "resume": ""})
    assert "it began at 2026-11-21 18:02, and has no checkpoint yet" in rendered(
        unfinished_view(early)
    )


def test_the_last_sealed_checkpoint_tells(tmp_path: Path, call: Callable[..., Answer]) -> None:
    assert unfinished(tmp_path) is None
    command = "/bin/sparsify run mine.yaml --overwrite"
    work = claim(tmp_path, "passes: []\n", resume=False, command=command)
    found = unfinished(tmp_path)
    assert found is not None
    assert (found.phase, found.step) == ("", 0)
    assert found.resume == "sparsify run mine.yaml --resume"
    for step in (20, 40):
        folder = work / "student" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        Kept(points=[], terms={}, history=History(steps=200)).write(folder)
        if step == 20:
            seal(folder)
    answer = call("show", str(tmp_path), "--json")
    told = json.loads(answer.out)
    assert (told["phase"], told["step"], told["steps"]) == ("train", 20, 200)


def test_a_checkpoint_of_another_version_is_a_mistake_in_one_sentence(tmp_path: Path) -> None:
    folder = claim(tmp_path, "passes: []\n", resume=False) / "student" / "checkpoint-5"
    folder.mkdir(parents=True)
    (folder / "history.json").write_text('{"points": [], "terms": {}}')
    seal(folder)
    with pytest.raises(Problem, match="another version of sparsify, and lacks figures of its run"):
        unfinished(tmp_path)
