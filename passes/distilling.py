"""What `distill` owes training: the distances from the teacher, and projections between widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from passes.compared import attended, of_tokens, queries, spans, without_padding
from passes.layer_maps import layer_map
from sparsify.analysis.blocks import blocks
from sparsify.analysis.branches import Anatomy
from sparsify.errors import Problem
from sparsify.plan import Duty, Learned, Moment
from sparsify.program import Program
from sparsify.taps import span_logits, tap
from sparsify.tasks import Labels

if TYPE_CHECKING:
    from passes.distill import Distill, Term


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
        self.spans = bool(span_logits(student))
        self.taps = tuple(pair.student for pair in self.pairs)
        self.teacher_taps = tuple(dict.fromkeys(pair.teacher for pair in self.pairs))

    def promises(self) -> list[str]:
        return [_says(name, term) for name, term in self.terms.items()]

    def accept(self, labels: Labels) -> None:
        term = self.terms.get("logits")
        if (
            labels == "number"
            and term is not None
            and term.loss.name in ("kl", "soft-cross-entropy")
        ):
            raise Problem(
                f"`{term.loss.name}` compares classes, and the labels are numbers",
                hint="set `logits: {loss: mse}`",
            )

    def prepare(self, student: Program, teacher: Program | None) -> None:
        assert teacher is not None
        self._settle(student, teacher)
        device = next(student.module.parameters()).device
        for pair in self.pairs:
            if pair.what in self.projections or (pair.what == "logits" and self.spans):
                continue
            own, wanted = _width(student, pair.student), _width(teacher, pair.teacher)
            if own == wanted:
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
            student, teacher = (without_padding(each, moment.tokens) for each in (student, teacher))
            if pair.what in self.projections:
                student = student @ self.projections[pair.what].T
        elif pair.what == "logits" and student.ndim == 3:
            likely = term.loss.name in ("kl", "soft-cross-entropy")
            choose = partial(spans, likely=likely) if self.spans else of_tokens
            student, teacher = choose(student, teacher, moment.tokens)
        elif pair.what == "attention" and term.loss.name == "kl":
            smallest = torch.finfo(student.dtype).tiny
            student, teacher = (each.clamp(min=smallest).log() for each in (student, teacher))
            student, teacher = queries(student, teacher, moment.tokens)
        elif pair.what == "scores" and term.loss.name == "kl":
            student, teacher = queries(student, teacher, moment.tokens)
        elif pair.what in ("scores", "attention"):
            student, teacher = attended(student, teacher, moment.tokens)
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
