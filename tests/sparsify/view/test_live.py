from __future__ import annotations

import io

import pytest
from rich.console import Console

from sparsify.history import History
from sparsify.pipeline import Report, Step
from sparsify.view.live import EVERY_SECONDS, Lines, Screen, watching

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
    assert text(out)[0] == "  train 20/100, 40.0 s left, loss 0.05, sparsity 20.0%"


def test_a_long_task_says_at_most_a_hundred_lines() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.begin("train", 10_000)
    for step in range(1, 10_001):
        clock.now += 5
        lines.advance("train", step, {})
    assert len(text(out)) == 100
    assert text(out)[0] == "  train 100/10000, 825 min 00 s left"


def test_a_resumed_task_is_not_taken_for_a_fast_one() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.begin("train", 100, 90)
    for step in range(91, 94):
        clock.now += 5
        lines.advance("train", step, {})
    assert text(out) == ["  train 92/100, 40.0 s left"]


def test_what_the_first_step_prepares_does_not_count() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.begin("train", 100)
    for step in range(1, 4):
        clock.now += 10 if step > 1 else 600
        lines.advance("train", step, {})
    assert text(out)[-1] == "  train 3/100, 16 min 10 s left"


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
    lines.evaluated(8, {"accuracy": 0.75, "task_loss": 0.5})
    lines.warn("passes[0] [bold]met[/bold] :smile:")
    lines.note("done")
    assert text(out) == [
        "  prune: 1 change, 0 left alone; 500.0 ms; sparsity 90.0%",
        "  evaluated after step 8: accuracy 0.7500",
        "warning: passes[0] [bold]met[/bold] :smile:",
        "  done",
    ]


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind"),
    [(True, True, "Watch"), (False, True, "Screen"), (False, False, "Lines")],
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


def history() -> History:
    made = History(steps=40)
    for step in range(1, 21):
        figures = {"task_loss": 1 / step, "learning_rate": 1e-4 * step}
        made.training.add(step, {**figures, "planned_sparsity_fraction": step / 40})
    for step in (8, 16):
        shares = {"sparsity_fraction": step / 40, "mask_churn_fraction": 1 / step}
        made.masks.add(step, shares)
    made.evaluations.add(10, {"accuracy": 0.875, "f1": 0.5})
    made.evaluations.add(20, {"accuracy": 0.75, "f1": 0.5})
    return made


def test_a_line_of_training_tells_what_the_screen_does() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.follow(history())
    lines.begin("train", 40)
    lines.advance("train", 19, {"task_loss": 0.1})
    clock.now += 10
    lines.advance("train", 20, {"task_loss": 0.05, "banks": 2.0})
    assert text(out) == [
        "  train 20/40, 3 min 20 s left, task loss 0.0500, zeros 40.0% of 50.0%, "
        "mask churn 6.25%, accuracy 0.7500, learning rate 0.002"
    ]


def test_a_line_of_training_ends_where_nothing_is_known_yet() -> None:
    clock, out = Clock(), console()
    lines = Lines(out, clock)
    lines.follow(History(steps=40))
    lines.begin("train", 40)
    clock.now += 10
    lines.advance("train", 1, {})
    assert text(out) == ["  train 1/40"]


def test_a_warning_stays_until_training_ends() -> None:
    screen = Screen(console(terminal=True), Clock())
    screen.follow(history())
    screen.warn("step 4: the model has collapsed.")
    seen = console()
    seen.print(screen.live.get_renderable())
    assert "warning: step 4: the model has collapsed." in text(seen)
    screen.evaluated(8, {"accuracy": 0.75})
    seen.print(screen.live.get_renderable())
    assert "earlier warning: step 4: the model has collapsed." in text(seen)
    screen.phase("export")
    ended = console()
    ended.print(screen.live.get_renderable())
    assert text(ended) == []


def test_what_was_drawn_is_gone_before_the_next_phase_speaks() -> None:
    out = console(terminal=True)
    with watching(out, quiet=False) as watch:
        assert isinstance(watch, Screen)
        watch.follow(history())
        watch.phase("train")
        watch.begin("train", 40)
        watch.advance("train", 20, {"task_loss": 0.05})
        watch.live.refresh()
        before = len(out.file.getvalue())  # type: ignore[attr-defined]
        watch.phase("export")
        said = out.file.getvalue()[before:]  # type: ignore[attr-defined]
    assert "export ..." in said
    assert "learning rate" not in said


def test_the_screen_is_drawn_twice_a_second_at_most() -> None:
    clock, out = Clock(), console(terminal=True)
    screen = Screen(out, clock)
    drawn = []
    screen.live.refresh = lambda: drawn.append(clock.now)  # type: ignore[method-assign]
    screen.begin("train", 1000)
    for step in range(1, 101):
        clock.now += 0.0625
        screen.advance("train", step, {})
    assert len(drawn) == 12


def test_a_terminal_sees_a_bar_and_the_figures() -> None:
    out = console(terminal=True)
    with watching(out, quiet=False) as watch:
        assert isinstance(watch, Screen)
        watch.follow(history())
        watch.begin("train", 40)
        watch.advance("train", 20, {"task_loss": 0.05})
        watch.live.refresh()
    shown = "".join(text(out))
    assert "20/40" in shown
    assert "best 0.8750, step 10" in shown
