"""Remove whole layers, chosen by their place or by how little they change the hidden state."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from torch import fx
from torch.nn.functional import cosine_similarity

from sparsify import surgery
from sparsify.analysis.blocks import Block, blocks
from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program

Place = Annotated[int, Field(ge=0)]


class DropLayers(Pass):
    """The layers of a stack -> fewer of them, each next one reading what the one before gave.

    The strategies of Sajjad et al. 2020, arXiv:2004.03844. With K of N layers to drop, counted
    from 1: `top` the last K; `bottom` the first K; `alternate` every other one from the last but
    one down (K = 4 of 12: 5, 7, 9, 11); `symmetric` the middle K (K = 6 of 12: 4 to 9);
    `contribution` the K whose input and output are most alike by cosine similarity (the paper
    drops all above a threshold), the mean over the tokens of the captured example inputs.
    """

    which: Literal["top", "bottom", "alternate", "symmetric", "contribution"] | None = None
    """How the layers that go are chosen."""
    count: Annotated[int, Field(gt=0)] | None = None
    """How many to drop of every stack (an encoder, a decoder), with those that are gone already."""
    layers: list[Place] = []
    """Instead: which, counted from 0 through all stacks, as in the model that was captured."""

    @model_validator(mode="after")
    def _one_way(self) -> DropLayers:
        if bool(self.layers) == (self.which is not None and self.count is not None):
            raise ValueError("give `which` and `count`, or `layers`")
        if self.layers and (self.which is not None or self.count is not None):
            raise ValueError("give `which` and `count`, or `layers`")
        return self

    @property
    def structural(self) -> bool:
        return True

    def run(self, program: Program) -> Report:
        report = Report()
        found = blocks(program)
        if not found:
            what = "no repeated layers are found in this program"
            raise Problem(what, hint="leave `drop-layers` out of the recipe")
        alike = _similarities(program, found) if self.which == "contribution" else []
        chosen = self._named(program, found) if self.layers else self._ranked(program, found, alike)
        names = [block.name for block in found]
        for place, number in enumerate(_numbers(program, len(found))):
            name = names[place]
            if names.count(name) > 1:
                # layers that share their weights
                name += f", layer {number}"
            told = report.did if place in chosen else report.left
            measured = f", its output {alike[place]:.4f} like its input" if alike else ""
            told[name] = f"{'dropped' if place in chosen else 'kept'}{measured}"
        if chosen:
            surgery.bypass(program, sorted(chosen))
        report.facts = {"layers": len(found) - len(chosen), "dropped_layers": len(chosen)}
        return report

    def _named(self, program: Program, found: list[Block]) -> set[int]:
        """Places in `found` of the layers that are asked for by number."""
        numbers = _numbers(program, len(found))
        last = len(found) + _dropped(program) - 1
        if strangers := [number for number in self.layers if number > last]:
            raise Problem(f"no layer {strangers[0]}; they go from 0 to {last}", where="layers")
        if not set(numbers) - set(self.layers):
            raise Problem("no layer would be left", where="layers")
        return {place for place, number in enumerate(numbers) if number in self.layers}

    def _ranked(self, program: Program, found: list[Block], alike: list[float]) -> set[int]:
        """Places in `found` of the layers that the strategy drops."""
        assert self.count is not None
        stacks = _stacks(found)
        before = _dropped(program) // len(stacks)
        chosen: set[int] = set()
        for stack in stacks:
            more = max(self.count - before, 0)
            if more >= len(stack):
                count = len(stack) + before
                raise Problem(f"{self.count} of {count} layers leave none", where="count")
            chosen |= set(self._of_stack(stack, more, alike))
        return chosen

    def _of_stack(self, stack: list[int], count: int, alike: list[float]) -> list[int]:
        match self.which:
            case "top":
                return stack[len(stack) - count :]
            case "bottom":
                return stack[:count]
            case "alternate":
                every_other = stack[-2::-2]
                if count > len(every_other):
                    raise Problem(
                        f"every other of {len(stack)} layers are {len(every_other)}", where="count"
                    )
                return every_other[:count]
            case "symmetric":
                # lower layers matter more (the paper's finding), so they get the odd one
                first = (len(stack) - count + 1) // 2
                return stack[first : first + count]
        return sorted(stack, key=lambda place: alike[place], reverse=True)[:count]


def _gone(program: Program) -> list[list[int]]:
    """For each earlier edit, the places of the layers that it removed."""
    return [edit.what for edit in program.edits if edit.kind == "bypass"]


def _dropped(program: Program) -> int:
    return sum(map(len, _gone(program)))


def _numbers(program: Program, count: int) -> list[int]:
    """The numbers that the `count` layers of the program had when it was captured."""
    numbers = list(range(count + _dropped(program)))
    for places in _gone(program):
        numbers = [number for place, number in enumerate(numbers) if place not in places]
    return numbers


def _stacks(found: list[Block]) -> list[list[int]]:
    """Places of layers that follow one another, a list for each encoder and decoder."""
    stacks: list[list[int]] = []
    for place, block in enumerate(found):
        if place and found[place - 1].output is block.input:
            stacks[-1].append(place)
        else:
            stacks.append([place])
    return stacks


def _similarities(program: Program, found: list[Block]) -> list[float]:
    """For each layer the cosine of its input and output, the mean over tokens."""
    nodes = [node for block in found for node in (block.input, block.output)]
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    graph.graph_copy(program.graph, copies)
    graph.output([copies[node] for node in nodes])
    reading = Program(fx.GraphModule(program.module, graph), program.inputs)
    states = reading.outputs()
    return [
        float(cosine_similarity(before, after, dim=-1).mean())
        for before, after in zip(states[::2], states[1::2], strict=True)
    ]
