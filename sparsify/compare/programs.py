"""A program after one pass and after another, line by line and by kinds of calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from sparsify import schema
from sparsify.compare.changes import Comparison, Hunk, section
from sparsify.program import Program
from sparsify.run.planning import captured_untested, rehearsed
from sparsify.run.points import START, Look, find_point, point_names
from sparsify.text import to_text
from sparsify.watch import Watch

AROUND = 1
"""Equal lines that are shown before and after those that differ."""
CALL = re.compile(r" = (\w+)\(")


def compare_programs(
    old: str, new: str, overrides: Sequence[str], plugin_files: Sequence[Path], watch: Watch
) -> Comparison:
    """The programs `RECIPE@PASS`; the passes run as in a plan, without training.

    Raises:
        Problem: there is no such recipe or pass, or the recipe names no model.
    """
    texts: dict[str, str] = {}
    recipes = list(dict.fromkeys(each.rpartition("@")[0] for each in (old, new)))
    for recipe in recipes:
        loaded = schema.read(recipe, overrides, plugin_files=plugin_files)
        wanted = {
            each: find_point(loaded, each.rpartition("@")[2], where=each, more=[START])
            for each in (old, new)
            if each.rpartition("@")[0] == recipe
        }
        found = _texts(loaded, set(wanted.values()), watch)
        texts |= {each: found[point] for each, point in wanted.items()}
    return compare_texts(texts[old], texts[new], old, new)


def _texts(loaded: schema.Loaded, points: set[str], watch: Watch) -> dict[str, str]:
    """The program's text at each of the points; no pass behind the last of them runs."""
    found: dict[str, str] = {}

    def keep(name: str, program: Program) -> None:
        found[name] = to_text(program)

    order = [START, *point_names(loaded)]
    last = max(points, key=order.index)
    stop = order[1] if last == START and len(order) > 1 else last
    setup = captured_untested(loaded, watch)
    rehearsed(loaded, setup.program, watch, Look(keep, frozenset(points), stop))
    return found


def compare_texts(before: str, after: str, old: str, new: str) -> Comparison:
    """Two texts of programs; how wide their columns are makes no difference."""
    lines = [[" ".join(line.split()) for line in text.splitlines()] for text in (before, after)]
    was, then = (
        {name: {"calls": count} for name, count in sorted(Counter(_calls(side)).items())}
        for side in lines
    )
    hunks = _hunks(*lines)
    by_kind = section("calls", "calls", was, then, amount=lambda facts: float(facts["calls"]))
    gone, come = (sum(line[0] == sign for h in hunks for line in h.lines) for sign in "-+")
    total = section(
        "lines", "lines",
        {"program": {"lines": len(lines[0])}} if gone else {},
        {"program": {"lines": len(lines[1]), "changed": True}} if come else {},
    )  # fmt: skip
    for change in total.changes:
        change.gone, change.come = gone, come
    return Comparison(kind="programs", old=old, new=new, sections=[by_kind, total], hunks=hunks)


def _calls(lines: Sequence[str]) -> list[str]:
    return [found[1] for line in lines if (found := CALL.search(line))]


def _hunks(old: list[str], new: list[str]) -> list[Hunk]:
    made = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(AROUND):
        lines: list[str] = []
        for kind, i, j, k, m in group:
            if kind == "equal":
                lines += [f" {line}" for line in old[i:j]]
            else:
                lines += [f"-{line}" for line in old[i:j]] + [f"+{line}" for line in new[k:m]]
        made.append(Hunk(old_line=group[0][1] + 1, new_line=group[0][3] + 1, lines=lines))
    return made
