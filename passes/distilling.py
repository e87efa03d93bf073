"""What `distill` owes training: the distances from the teacher, and projections between widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from passes.layer_maps import layer_map
from sparsify.analysis.blocks import blocks
from sparsify.analysis.branches import Anatomy
from sparsify.errors import Problem
from sparsify.plan import Duty, Learned, Moment
from sparsify.program import Program
from sparsify.taps import tap

if TYPE_CHECKING:
    from passes.distill import Distill, Term

HIDDEN = -1e3
"""Scores below it belong to what attention may not look at."""


@dataclass(frozen=True)
class Pair:
    """A value of the student and the value of the teacher that it is compared with."""

    what: str
    """The name of the term."""
    student: str
    """The student's tap."""
    teacher: str


class Distilling(Duty):
    """The weighted distances from the teacher, layer by layer."""

    name = "distill"

    def __init__(self, settings: Distill, program: Program) -> None:
        self.settings = settings
        self.terms = settings.terms()
        self.projections: dict[str, nn.Parameter] = {}
        # until the teacher is there, it is taken to be as deep as the student
        self._settle(program, program)

    def _settle(self, student: Program, teacher: Program) -> None:
        self.pairs = _pairs(self.terms, student, teacher)
        self.taps = tuple(pair.student for pair in self.pairs)
        self.teacher_taps = tuple(dict.fromkeys(pair.teacher for pair in self.pairs))

    def promises(self) -> list[str]:
        return [_says(name, term) for name, term in self.terms.items()]

    def accept(self, *, regression: bool) -> None:
        term = self.terms.get("logits")
        if regression and term is not None and term.loss.name in ("kl", "soft-cross-entropy"):
            raise Problem(
                f"`{term.loss.name}` compares classes, and the labels are numbers",
                hint="set `logits: {loss: mse}`",
            )

    def prepare(self, student: Program, teacher: Program | None) -> None:
        assert teacher is not None
        self._settle(student, teacher)
        device = next(student.module.parameters()).device
        for pair in self.pairs:
            own, wanted = _width(student, pair.student), _width(teacher, pair.teacher)
            if own == wanted or pair.what in self.projections:
                continue
            if pair.what not in ("embeddings", "hidden"):
                noun = "classes" if pair.what == "logits" else "heads"
                raise Problem(
                    f"the student has {own} {noun} and the teacher {wanted}",
                    where=f"distill.{pair.what}",
                    hint=f"set `{pair.what}: null`",
                )
            random = torch.Generator().manual_seed(0)
            start = torch.randn(wanted, own, generator=random) / own**0.5
            self.projections[pair.what] = nn.Parameter(start.to(device))

    def learned(self) -> Learned | None:
        if not self.projections:
            return None
        return Learned(self.projections, self.settings.projection_rate)

    def loss(self, moment: Moment) -> Tensor | None:
        with torch.autocast(moment.labels.device.type, enabled=False):
            return torch.stack([self._distance(pair, moment) for pair in self.pairs]).sum()

    def _distance(self, pair: Pair, moment: Moment) -> Tensor:
        term = self.terms[pair.what]
        student = moment.student[pair.student].float()
        teacher = moment.teacher[pair.teacher].float()
        if pair.what in ("embeddings", "hidden"):
            student, teacher = (_tokens(each, moment.tokens) for each in (student, teacher))
            if pair.what in self.projections:
                student = student @ self.projections[pair.what].T
        elif pair.what == "attention" and term.loss.name == "kl":
            smallest = torch.finfo(student.dtype).tiny
            student, teacher = (each.clamp(min=smallest).log() for each in (student, teacher))
            student, teacher = _queries(student, teacher, moment.tokens)
        elif pair.what == "scores" and term.loss.name == "kl":
            student, teacher = _queries(student, teacher, moment.tokens)
        elif pair.what in ("scores", "attention"):
            student, teacher = _attended(student, teacher, moment.tokens)
        distance: Tensor = term.loss(student=student, teacher=teacher)
        return term.weight * distance


def _pairs(terms: Mapping[str, Term], student: Program, teacher: Program) -> list[Pair]:
    found = []
    for what, term in terms.items():
        if not hasattr(term, "layers"):
            name = "hidden.0" if what == "embeddings" else what
            found.append(Pair(what, name, name))
            continue
        # attentions are counted from 0, and so are states, of which the first enters a layer
        before = 0 if what == "hidden" else 1
        mapped = layer_map(term.layers, _depth(student, what), _depth(teacher, what))
        for own, other in enumerate(mapped, start=1):
            found.append(Pair(what, f"{what}.{own - before}", f"{what}.{other - before}"))
    return found


def _depth(program: Program, what: str) -> int:
    """How many layers have such a value."""
    layers = blocks(program)
    if any(later.input is not earlier.output for earlier, later in pairwise(layers)):
        raise Problem(
            "the model has more than one stack of layers",
            where=f"distill.{what}",
            hint=f"set `{what}: null`",
        )
    found = layers if what == "hidden" else program.remember(Anatomy).attentions
    if not found:
        raise Problem(f"the model has no {what} that could be found", hint=f"set `{what}: null`")
    return len(found)


def _says(name: str, term: Term) -> str:
    layers = getattr(term, "layers", "")
    return f"{term.weight} * {term.loss} of the teacher's {name}{layers and f', layers {layers}'}"


def _width(program: Program, name: str) -> int:
    """Classes, channels or heads of a tapped value."""
    axis = 1 if name.startswith(("scores", "attention")) else -1
    return int(tap(program, name).meta["val"].shape[axis])


def _tokens(value: Tensor, tokens: Tensor | None) -> Tensor:
    """f[rows, width] from f[batch, tokens, width], without padding."""
    return value.flatten(0, 1) if tokens is None else value[tokens]


def _queries(student: Tensor, teacher: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
    """f[queries, heads, keys] from f[batch, heads, queries, keys]: a distribution in each row."""
    hidden = (student < HIDDEN) | (teacher < HIDDEN)
    if tokens is not None:
        hidden = hidden | ~tokens[:, None, None, :]
    # finite, for 0 * infinity is no number, and far enough below every score to count for nothing
    values = [each.masked_fill(hidden, 10 * HIDDEN).transpose(1, 2) for each in (student, teacher)]
    student, teacher = (_tokens(each, tokens) for each in values)
    return student, teacher


def _attended(student: Tensor, teacher: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
    """f[pairs] from f[batch, heads, queries, keys]: only where a token looks at a token."""
    seen = (student > HIDDEN) & (teacher > HIDDEN)
    if tokens is not None:
        seen = seen & tokens[:, None, :, None] & tokens[:, None, None, :]
    return student[seen], teacher[seen]
