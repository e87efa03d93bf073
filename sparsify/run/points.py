"""The passes of a recipe by name, those that run twice apart, and looking at the program there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sparsify.errors import Problem, nearest
from sparsify.pipeline import Pass, Step
from sparsify.program import Program
from sparsify.schema import Loaded

START = "start"
"""The program as it was captured."""
ALL = "all"


def point_names(loaded: Loaded) -> list[str]:
    """A name for every pass, those of the export last: its tag, and `tag:2` where it runs again."""
    tags = [each.tag for each in all_passes(loaded)]
    return numbered(tags, repeated(tags))


def repeated(tags: Sequence[str]) -> set[str]:
    """Those that occur more than once."""
    return {tag for tag, count in Counter(tags).items() if count > 1}


def numbered(tags: Sequence[str], again: Collection[str]) -> list[str]:
    """`tag:1`, `tag:2` for those that are among `again`, and the tag for all others."""
    seen, names = Counter[str](), []
    for tag in tags:
        seen[tag] += 1
        names.append(f"{tag}:{seen[tag]}" if tag in again else tag)
    return names


def all_passes(loaded: Loaded) -> list[Pass]:
    """The passes of a recipe, then those of its export."""
    return [*loaded.recipe.passes, *loaded.recipe.export.passes]


def find_point(loaded: Loaded, name: str, *, where: str, more: Sequence[str] = ()) -> str:
    """The pass that `name` means, or one of the names `more`.

    Raises:
        Problem: there is none, or it runs more than once.
    """
    names = point_names(loaded)
    if name in (*names, *more):
        return name
    if again := [each for each in names if each.partition(":")[0] == name]:
        count = "twice" if len(again) == 2 else f"{len(again)} times"
        raise Problem(f"`{name}` runs {count}", where=where, hint=f"say {_or(again)}")
    hint = nearest(name, [*names, *more])
    raise Problem(f"{loaded.name} has no pass {name!r}", where=where, hint=hint)


def _or(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


@dataclass(frozen=True)
class Look:
    """Where a run or a plan lets someone look at the program, and where it ends."""

    show: Callable[[str, Program], None] = lambda name, program: None
    """Is told the name of a pass, and the program after it."""
    after: frozenset[str] = frozenset()
    """The passes after which it is told."""
    stop: str = ""
    """The pass after which nothing more runs; empty: none."""

    @property
    def looks(self) -> bool:
        """Whether a program is shown at all."""
        return bool(self.after or self.stop)

    def upto(self, loaded: Loaded, passes: Sequence[Pass], first: int) -> list[Pass]:
        """Those of `passes`, the recipe's from number `first` on, that run before the end."""
        if not self.stop:
            return list(passes)
        return list(passes[: max(point_names(loaded).index(self.stop) + 1 - first, 0)])

    def watching(
        self, loaded: Loaded, program: Program, told: Callable[[Step], None], first: int
    ) -> Callable[[Step], None]:
        """`told`, and after it the program, where it is asked for; for `pipeline.apply`."""
        names = iter(point_names(loaded)[first:])

        def after(step: Step) -> None:
            told(step)
            name = next(names)
            if name in self.after or name == self.stop:
                self.show(name, program)

        return after


def look(loaded: Loaded, after: str, stop: str, show: Callable[[str, Program], None]) -> Look:
    """The look that `--after` and `--stop-after` ask for.

    Raises:
        Problem: one of them names no pass, or one that runs more than once.
    """
    chosen: set[str] = set()
    if after == ALL:
        chosen = {START, *point_names(loaded)}
    elif after:
        chosen = {find_point(loaded, after, where="--after", more=(START, ALL))}
    end = find_point(loaded, stop, where="--stop-after") if stop else ""
    return Look(show, frozenset(chosen), end)
