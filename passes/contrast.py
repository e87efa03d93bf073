"""Contrastive pruning: stay near the pre-trained, the earlier and the fine-tuned model."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from passes.contrasting import Contrasting
from passes.info_nce import Normalizer
from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.taps import tap

Weight = Annotated[float, Field(ge=0)]


class Contrast(Pass):
    """Adds the terms of CAP to the loss of training. Xu et al. 2022, arXiv:2112.07198.

    For each of the three sources of knowledge, every example of the batch is drawn to its own
    vector in the source's bank (unsupervised) and to all candidates of its class (supervised), away
    from the other candidates: the batch itself and `extra` rows of the training set.
    """

    exact: ClassVar[bool] = True

    pretrained: bool = True
    """PrC: the model before training."""
    snapshots: Annotated[int, Field(ge=0)] = 3
    """SnC: how many snapshots of the student are taken, evenly over the run; 0: none."""
    finetuned: bool = True
    """FiC: the teacher."""
    representation: Literal["pooled", "cls", "mean"] = "pooled"
    """What is compared: the input of the last product, the first token, the mean over tokens."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """tau: what cosine similarities are divided by."""
    unsupervised: Weight = 0.1
    """What the terms without classes are multiplied by in the loss."""
    supervised: Weight = 10.0
    """What the terms with classes are multiplied by in the loss."""
    normalizer: Normalizer = "code"
    """`code` divides by all positive pairs, as the authors' program; `equation` by the anchors, as
    the paper's equation 1, and wants a supervised weight some thousand times smaller."""
    extra: Annotated[int, Field(ge=0)] = 4096
    """Vectors of other rows among the candidates."""
    snapshot_rows: Annotated[int, Field(gt=0)] | None = None
    """At most so many rows are encoded for a snapshot; the others have no SnC term."""

    @model_validator(mode="after")
    def _has_something_to_do(self) -> Contrast:
        if not (self.unsupervised or self.supervised):
            raise ValueError("`unsupervised` and `supervised` are both 0; drop the pass")
        return self

    def run(self, program: Program) -> Report:
        if any(isinstance(duty, Contrasting) for duty in program.plan.duties):
            raise Problem("the representations are contrasted already", hint="keep one `contrast`")
        width = tap(program, self.representation).meta["val"].shape[-1]
        if self.pretrained or self.snapshots or self.finetuned:
            program.plan.duties.append(Contrasting(self))
        report = Report(facts={"representation_width": float(width)})
        sources = {
            "pretrained": (self.pretrained, "PrC, one bank before training"),
            "snapshots": (self.snapshots, f"SnC, {self.snapshots} banks while training"),
            "finetuned": (self.finetuned, "FiC, one bank of the teacher"),
        }
        for name, (on, says) in sources.items():
            (report.did if on else report.left)[name] = says if on else "switched off"
        return report
