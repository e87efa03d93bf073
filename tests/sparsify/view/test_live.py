from __future__ import annotations

import io

import pytest
from rich.console import Console

from sparsify.pipeline import Report, Step
from sparsify.view.live import EVERY_SECONDS, Bars, Lines, watching

STEP = Step("prune", {}, Report({"w": "x"}, {}, {"sparsity_fraction": 0.9}), 0.5, (1, 1), (1, 1))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def console(terminal: bool = False) -> Console:
    environ = {"TERM": "xterm"} if terminal else {}
    return Console(
        file=io.StringIO(), width=80, force_terminal=terminal, highlight=False, _environ=environ
    )


def text(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_task_says_at_most_one_line_in_ten_seconds() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.begin("train", 100)
    for step in range(1, 101):
        clock.now += 0.5
        lines.advance("train", step, {"loss": 1 / step, "sparsity_fraction": step / 100})
    assert len(text(out)) == 50 / EVERY_SECONDS
    assert text(out)[0] == "  train 20/100 loss 0.05, sparsity 20.0 %"


def test_a_task_that_begins_again_stays_as_silent() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    for _ in range(5):
        lines.begin("evaluate", 1)
        clock.now += 1
        lines.advance("evaluate", 1, {})
    assert text(out) == []


def test_phases_say_when_they_start_and_what_they_took() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    for name, took in (("capture", 2.0), ("capture", 1.0), ("passes", 0.01), ("train", 0.0)):
        lines.phase(name)
        clock.now += took
    assert text(out) == ["capture ...", "capture took 3.0 s", "passes ...", "train ..."]


def test_every_event_is_a_line_and_brackets_are_no_markup() -> None:
    out = console()
    lines = Lines(out)
    lines.passed(STEP)
    lines.evaluated(8, {"accuracy": 0.75})
    lines.warn("passes[0] [bold]met[/bold] :smile:")
    lines.note("done")
    assert text(out) == [
        "  prune: 1 change, 0 left alone; sparsity 90.0 %; 500.0 ms",
        "  evaluated after step 8: accuracy 0.75",
        "warning: passes[0] [bold]met[/bold] :smile:",
        "  done",
    ]


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind"),
    [(True, True, "Watch"), (False, True, "Bars"), (False, False, "Lines")],
)
def test_what_looks_on_fits_the_console(quiet: bool, terminal: bool, kind: str) -> None:
    with watching(console(terminal), quiet=quiet) as watch:
        assert type(watch).__name__ == kind
        watch.phase("train")
        watch.begin("train", 2)
        watch.advance("train", 1, {"loss": 0.5})
        watch.begin("evaluate", 3)
        watch.advance("evaluate", 3, {})
        watch.begin("evaluate", 3)
        watch.advance("train", 2, {"loss": 0.25})
        watch.phase("export")


def test_a_terminal_sees_a_bar_with_facts() -> None:
    out = console(terminal=True)
    with watching(out, quiet=False) as watch:
        assert isinstance(watch, Bars)
        watch.begin("train", 4)
        watch.advance("train", 1, {"loss": 0.5})
    assert "1/4" in "".join(text(out))
    assert "loss 0.5" in "".join(text(out))
