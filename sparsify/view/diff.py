"""What differs between two things, side by side where the terminal is wide enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from sparsify.compare import Change, Comparison, Section
from sparsify.compare.changes import WHOLE
from sparsify.view.alike import NUMBER, merged, of_all_layers
from sparsify.view.diff_lines import hunks_view
from sparsify.view.tables import table
from sparsify.view.weights import shape_words
from sparsify.view.words import label_and_figure, number, percent, plural

OLD, NEW = "red", "green"
NARROWEST = 24
"""Of the columns of old and new, side by side, where their words are broken into lines."""
WIDEST = 10_000


def diff_view(found: Comparison, *, full: bool = False) -> RenderableType:
    """All that differs: a table for each kind of thing, and the lines of programs.

    Args:
        found: the comparison.
        full: show every place of a program, and not only the first of those that are alike.
    """
    parts: list[RenderableType] = [heading(found)]
    if found.equal:
        return Group(*parts, Text("no difference"))
    if found.kind == "programs":
        parts.append(hunks_view(found.hunks, full=full))
    else:
        parts += [Sides(section, full=full) for section in found.sections if section.changes]
    return Group(*parts, Text(total(found), "bold"))


def heading(found: Comparison) -> Text:
    """The two names, as in a unified diff."""
    return Text(f"--- {found.old}\n", OLD).append(f"+++ {found.new}", NEW)


def total(found: Comparison) -> str:
    """`weights: 72 changed, +0 -1,024 numbers, 5 equal`, for each kind of thing."""
    parts = []
    for section in (each for each in found.sections if each.changes):
        told = [f"{len(section.changes):,} changed"] if section.name != "lines" else []
        gone, come = (sum(getattr(c, way) for c in section.changes) for way in ("gone", "come"))
        if section.unit not in WHOLE and (gone or come):
            unit = "" if section.unit == section.name else f" {section.unit}"
            told.append(f"+{number(come)} -{number(gone)}{unit}")
        told += [f"{section.same:,} equal"] if section.same else []
        parts.append(f"{section.name}: {', '.join(told)}")
    return "; ".join(parts) or "no difference"


class Sides:
    """A section as a table of old and new, or one under the other where there is no room.

    Things that differ by numbers in their names and figures only share a row, unless all are asked
    for.
    """

    def __init__(self, section: Section, *, full: bool) -> None:
        self.name = section.name
        told = [(each.name, words(each.old), _against(each)) for each in section.changes]
        groups: dict[object, list[tuple[str, str, str]]] = {}
        for place, row in enumerate(told):
            alike = (of_all_layers(row[0]), *(NUMBER.sub("#", side) for side in row[1:]))
            groups.setdefault(place if full else alike, []).append(row)
        self.rows = [_row(group) for group in groups.values()]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = table(self.name, "old", "new")
        made.columns[0].no_wrap = True
        for name, old, new in self.rows:
            made.add_row(Text(name), Text(old, OLD), Text(new, NEW))
        wanted = console.measure(made, options=options.update(max_width=WIDEST)).maximum
        room = options.max_width - max(len(name) for name, _, _ in self.rows)
        if wanted <= options.max_width or room >= 2 * NARROWEST:
            yield made
            return
        yield Text(f"\n{self.name}", "bold")
        for name, old, new in self.rows:
            yield Text(f"  {name}")
            yield from (Text(f"    - {old}", OLD),) if old else ()
            yield from (Text(f"    + {new}", NEW),) if new else ()


def _row(group: Sequence[tuple[str, str, str]]) -> tuple[str, str, str]:
    names, olds, news = zip(*group, strict=True)
    if len(group) == 1:
        return group[0]
    return f"{of_all_layers(names[0])} ({len(names)})", merged(olds), merged(news)


def _against(change: Change) -> str:
    """The new side, and by how much a number differs."""
    then = words(change.new)
    was, now = (side.get("value") if side else None for side in (change.old, change.new))
    if was is not None and now is not None and _is_number(was) and _is_number(now):
        step = now - was
        return f"{then} ({'+' if step > 0 else '-'}{_figure(abs(step))})"
    return then


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def words(facts: dict[str, Any] | None) -> str:
    """A side of a change in one line; empty where it is not there."""
    if facts is None:
        return ""
    return ", ".join(word for name, value in facts.items() if (word := _word(name, value)))


def _word(name: str, value: Any) -> str:
    """One fact: `768x768`, `50.0% zero`, `0.5`, `default`."""
    match name:
        case "shape":
            return shape_words(value)
        case "sparsity_fraction":
            return f"{percent(value)} zero"
        case "moved_fraction":
            return f"{percent(value)} moved" if value else ""
        case "largest_move":
            return f"by at most {value:.3g}"
        case "stored":
            return f"stored as {value}"
        case "default":
            return "the default" if value else ""
        case "value":
            return _figure(value) if _is_number(value) else _plain(value)
        case "calls" | "nodes":
            return plural(value, name.removesuffix("s"))
        case _:
            return label_and_figure(name, value)[1]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(each)}" for key, each in value.items())
    return (
        "none"
        if value is None
        else str(value).lower()
        if value is True or value is False
        else str(value)
    )


def _figure(value: float) -> str:
    return number(value) if abs(value) >= 1 or value == 0 else f"{value:.4g}"
