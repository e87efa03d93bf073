"""What a recipe would do, before it does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from sparsify.report import PassReport, PlanReport
from sparsify.view.alike import merged, of_all_layers
from sparsify.view.storage import storage_table
from sparsify.view.tables import table
from sparsify.view.tails import Tail
from sparsify.view.words import facts, milliseconds, number, percent, plural, seconds, short, size

OWN_NUMBER = re.compile(r"(?<!of )(?<![\d,.])\d[\d,]*(?:\.\d+)?")
"""A number of one weight; what follows `of` is shared by weights that are alike."""
LINEAR_ONLY = (
    "latency: linear layers alone, by what was timed once on this machine; attention, "
    "normalisation and embeddings come on top. `sparsify run` times the whole files."
)
CUT_LATER = "`auto` cuts them out where it can, so the file may get smaller and faster than this."


def plan_view(plan: PlanReport) -> RenderableType:
    """Each pass with what it would change and leave, and why; then what that would be worth."""
    heading = Text(plan.recipe, "bold").append(f" on {plan.model}, a plan", "not bold dim")
    parts: list[RenderableType] = [heading, Text("")]
    for each in plan.passes:
        parts += [Heading(each), deeds_table(each)]
    parts += [Text(f"training: {sentence}") for sentence in plan.training]
    stored = plan.sparse_file.stored
    if any(weight.form != "dense" or weight.predicted for weight in stored):
        parts.append(storage_table(stored))
    parts += [worth_table(plan), *_notes(plan)]
    return Group(*parts)


@dataclass(frozen=True)
class Heading:
    """One pass in a line: how much it touches, its time, its numbers; those below, if need be."""

    each: PassReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        counts = f"  {plural(len(self.each.did), 'change')}, {len(self.each.left)} left alone"
        line = Text(self.each.tag, "bold")
        line.append(f"{counts} ({seconds(self.each.seconds)})", "not bold")
        if told := facts(self.each.facts):
            fits = line.cell_len + len(told) + 2 <= options.max_width
            line.append(f", {told}" if fits else f"\n  {told}", "not bold")
        yield line


def deeds_table(each: PassReport) -> Table:
    """One row for what was done, or left alone for one reason, to weights that are alike."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(justify="right", no_wrap=True)
    made.add_column(overflow="fold", ratio=1)
    made.add_column(ratio=1)
    for mark, style, told in (("", "", each.did), ("left", "dim", each.left)):
        for words, names in _alike(told):
            count = f"  {mark} {number(len(names))}"
            made.add_row(Text(count, style), Text(words, style), Tail(_who(names), style))
    made.add_row("", "", "")
    return made


def _alike(told: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """What was told, in words that differ by numbers only: with their ranges, and of whom."""
    groups: dict[str, list[str]] = {}
    for name, words in told.items():
        groups.setdefault(OWN_NUMBER.sub("#", words), []).append(name)
    groups = dict(sorted(groups.items(), key=lambda group: -len(group[1])))
    return [(merged([told[name] for name in names]), names) for names in groups.values()]


def _who(names: Sequence[str]) -> str:
    """The first names, all layers of one kind as one."""
    kinds = list(dict.fromkeys(of_all_layers(name) for name in names))
    return kinds[0] if len(kinds) == 1 else f"{kinds[0]}, +{len(kinds) - 1}"


def worth_table(plan: PlanReport) -> Table:
    """Before and after: parameters, zeros, multiply-adds, file, latency, each with the ratio."""
    was, then = plan.before, plan.after
    title = f"predicted, batch {was.batch}, sequence {was.sequence}"
    right = ("before", "after", "ratio")
    made = table("", *right, right=right, title=title)
    made.add_row("parameters", *_pair(number, was.parameters, then.parameters))
    made.add_row("zeros among them", *(percent(c.zeros / c.parameters) for c in (was, then)), "")
    made.add_row("multiply-adds", *_pair(short, was.dense_macs, then.dense_macs))
    made.add_row("  without zeros", *_pair(short, was.macs, then.macs))
    made.add_row("file", *_pair(size, plan.dense_file.size_bytes, plan.sparse_file.size_bytes))
    if plan.dense_file.linear_ms is not None and plan.sparse_file.linear_ms is not None:
        pair = _pair(milliseconds, plan.dense_file.linear_ms, plan.sparse_file.linear_ms)
        made.add_row(f"latency of linear layers, {plural(plan.threads, 'thread')}", *pair)
    return made


def _pair(write: object, before: float, after: float) -> tuple[str, str, str]:
    assert callable(write)
    ratio = f"{before / after:.2f}x" if after else ""
    return write(before), write(after), ratio


def _notes(plan: PlanReport) -> list[Text]:
    """What the figures leave out."""
    latency = f"no latency: {plan.no_latency}." if plan.no_latency else LINEAR_ONLY
    found = len(plan.sparse_file.cut_later)
    cut = f"{plural(found, 'weight')} with neurons that are zero: {CUT_LATER}"
    return [Text(latency), *([Text(cut)] if found else [])]
