"""Let the student learn from what the teacher computes while it is trained."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from passes.distilling import Distilling
from passes.layer_maps import LayerMap
from sparsify import kinds
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.taps import tap

Weight = Annotated[float, Field(gt=0)]


class Term(BaseModel):
    """One place where the student is compared with the teacher."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    weight: Weight = 1.0
    """What the term is multiplied by in the loss."""
    loss: Annotated[Chosen, kinds.loss] = Field(default="mse", validate_default=True)


class Logits(Term):
    weight: Weight = 0.9
    """What the term is multiplied by in the loss."""
    loss: Annotated[Chosen, kinds.loss] = Field(default="kl", validate_default=True)


class Layers(Term):
    """A term for every layer of the student; they are summed."""

    layers: LayerMap = "uniform"
    """Which layer of the teacher each of the student learns from."""


class Heads(Layers):
    @model_validator(mode="after")
    def _compares_heads(self) -> Heads:
        if self.loss.name not in ("kl", "mse", "normalized-mse"):
            raise ValueError("attention is compared by `kl`, `mse` or `normalized-mse`")
        return self


class Distill(Pass):
    """Adds the distances of the student from the teacher to the loss of training.

    Padding is left out of all of them. Where hidden states or embeddings are of another width than
    the teacher's, the student's go through a projection that is learned with it.
    """

    exact: ClassVar[bool] = True

    logits: Logits | None = Field(default_factory=Logits)
    """Hinton et al. 2015, arXiv:1503.02531; null: leave them out."""
    embeddings: Term | None = None
    """What enters the first layer."""
    hidden: Layers | None = None
    """What leaves each layer; Romero et al. 2014, arXiv:1412.6550."""
    scores: Heads | None = None
    """Attention before its softmax; Jiao et al. 2019, arXiv:1909.10351, equation 7."""
    attention: Heads | None = None
    """The probabilities of attention; with `kl`: Sun et al. 2020, arXiv:2004.02984."""
    projection_rate: Annotated[float, Field(gt=0)] = 1e-3
    """The learning rate of projections."""

    @model_validator(mode="after")
    def _has_something_to_do(self) -> Distill:
        if not self.terms():
            raise ValueError("nothing is to be distilled; drop the pass")
        return self

    def terms(self) -> dict[str, Term]:
        """The terms that are switched on, by the name of what is compared."""
        names = ("logits", "embeddings", "hidden", "scores", "attention")
        return {name: term for name in names if (term := getattr(self, name)) is not None}

    def run(self, program: Program) -> Report:
        if any(isinstance(duty, Distilling) for duty in program.plan.duties):
            raise Problem("the teacher is distilled already", hint="keep one `distill`")
        duty = Distilling(self, program)
        for name in duty.taps:
            tap(program, name)
        program.plan.duties.append(duty)
        return Report(did={n: f"{term.weight} * {term.loss}" for n, term in self.terms().items()})
