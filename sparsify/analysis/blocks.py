"""The repeated layers of a program, in order, found from its residual additions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import fx

from sparsify.analysis.branches import Anatomy, Branch
from sparsify.analysis.residual import Addition, handed_down
from sparsify.program import Program

__all__ = ["Block", "Branch", "blocks"]

LONGEST = 8
"""Residual additions in one layer, at most."""


@dataclass(frozen=True)
class Block:
    """One repeated layer."""

    name: str
    """The common prefix of its parameters' names, for people only."""
    input: fx.Node
    output: fx.Node
    branches: tuple[Branch, ...]
    parameters: tuple[str, ...]


def blocks(program: Program) -> list[Block]:
    """The repeated layers of every stack of the program (encoder, decoder), in graph order."""
    anatomy = program.remember(Anatomy)
    found = []
    for chain in _chains(anatomy):
        branches = [anatomy.branches(addition) for addition in chain]
        for start, stop in _layers([[branch.kind for branch in each] for each in branches]):
            found.append(_block(anatomy, chain, branches, start, stop))
    return found


def _chains(anatomy: Anatomy) -> list[list[Addition]]:
    """The residual additions of every stream; those inside a branch of another belong to none."""
    found: list[list[Addition]] = []
    for addition in anatomy.additions:
        if any(_is_inside(anatomy, addition, other) for other in anatomy.additions):
            continue
        *_, origin = handed_down(anatomy.flow, addition.stream)
        for chain in found:
            if chain[-1].node is origin:
                chain.append(addition)
                break
        else:
            found.append([addition])
    return found


def _is_inside(anatomy: Anatomy, inner: Addition, outer: Addition) -> bool:
    depends = anatomy.flow.depends
    return (
        inner.node is not outer.source
        and depends(inner.node, outer.source)
        and any(depends(delta, inner.node) for delta in outer.deltas)
    )


def _layers(kinds: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """From where to where each layer goes: by what repeats, or else until a kind comes again."""
    start, stop, period = _repetition([tuple(each) for each in kinds])
    if period:
        yield from ((first, first + period) for first in range(start, stop, period))
        return
    if not any(kind.endswith("attention") for each in kinds for kind in each) and len(kinds) < 2:
        return
    seen: set[str] = set()
    begun = 0
    for place, each in enumerate(kinds):
        if seen & set(each):
            yield begun, place
            begun, seen = place, set()
        seen |= set(each)
    yield begun, len(kinds)


def _repetition(kinds: Sequence[tuple[str, ...]]) -> tuple[int, int, int]:
    """Start, end and period of the longest repetition that leaves none of its kinds outside."""
    best = (0, 0, 0)
    for period in range(1, min(LONGEST, len(kinds) // 2) + 1):
        for start in range(len(kinds) - 2 * period + 1):
            stop = start + period
            while stop < len(kinds) and kinds[stop] == kinds[stop - period]:
                stop += 1
            stop -= (stop - start) % period
            outside = {*kinds[:start], *kinds[stop:]}
            longer = stop - start > max(best[1] - best[0], period)
            if longer and not outside & set(kinds[start:stop]):
                best = (start, stop, period)
    return best


def _block(
    anatomy: Anatomy,
    chain: Sequence[Addition],
    branches: Sequence[tuple[Branch, ...]],
    start: int,
    stop: int,
) -> Block:
    gaps = [_gap(anatomy, chain, place, stop - start) for place in range(start, stop)]
    own = tuple(branch for each in branches[start:stop] for branch in each)
    names = [name for branch in own for name in branch.parameters]
    names += anatomy.parameters([node for gap in gaps for node in gap])
    names = list(dict.fromkeys(names))
    output = gaps[-1][-1] if gaps[-1] else chain[stop - 1].node
    return Block(_prefix(names), chain[start].source, output, own, tuple(names))


def _prefix(names: Sequence[str]) -> str:
    """The parts of dotted names that all of them begin with."""
    columns = zip(*(name.split(".") for name in names), strict=False)
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, columns)
    return ".".join(column[0] for column in alike)


def _gap(anatomy: Anatomy, chain: Sequence[Addition], place: int, period: int) -> list[fx.Node]:
    """What is done to the stream between an addition and the branch after it: a norm, or nothing.

    After the last addition, the same again as a layer before, where it is there.
    """
    node = chain[place].node
    if place + 1 == len(chain):
        before = place - period if place >= period else place - 1
        like = _gap(anatomy, chain, before, period) if before >= 0 else []
        return _mirrored(anatomy, node, like)
    passed: list[fx.Node] = []
    for each in handed_down(anatomy.flow, chain[place + 1].source):
        if each is node:
            return passed[::-1]
        passed.append(each)
    return []


def _mirrored(anatomy: Anatomy, node: fx.Node, gap: Sequence[fx.Node]) -> list[fx.Node]:
    """The steps from `node` on that are calls like those of `gap`, all of them or none."""
    if not gap:
        return []
    for user in node.users:
        alike = user.op == gap[0].op and (user.op == "call_module" or user.target == gap[0].target)
        if alike and anatomy.flow.handed_on(user) is node:
            rest = _mirrored(anatomy, user, gap[1:])
            if len(rest) == len(gap) - 1:
                return [user, *rest]
    return []
