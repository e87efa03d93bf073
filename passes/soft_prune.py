"""Let training decide how sparse each weight becomes: masks by a threshold on learned scores."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from passes.inside import places_inside
from passes.prune import Fraction, Scores
from passes.ramp import leave_time_to_prune
from passes.soft_pruning import SoftPruning
from sparsify import kinds
from sparsify.kinds import Chosen, pattern
from sparsify.pipeline import Pass, Report
from sparsify.program import Program


class SoftPrune(Pass):
    """mask := sigmoid(S) > threshold, for scores S that are learned and pressed towards zero.

    Soft movement pruning: Sanh et al. 2020, arXiv:2005.07683, section 4 and appendix. The threshold
    rises from 0 along the schedule; lambda * mean(sigmoid(S)) is added to the loss, with lambda
    in step with the threshold. How sparse a weight ends, training finds out; a larger
    `regularization` makes it sparser.
    """

    exact: ClassVar[bool] = True

    regularization: Annotated[float, Field(ge=0)]
    """lambda at the end: some hundreds; 190 for 90% and 550 for 97% on QQP in CAP's program."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """tau at the end."""
    floor: Fraction = 0.005
    """The share of each weight that is kept at least, the largest scores."""
    targets: list[str] = Field(default=["*"])
    """Which of the masked weights: names, globs, `re:` patterns or roles."""
    schedule: Annotated[Chosen, kinds.schedule] = Field(default="cubic", validate_default=True)
    warmup: Fraction = 0.1
    """The share of the steps before the first zero."""
    cooldown: Fraction = 0.25
    """The share of the steps at the final threshold."""
    every: Annotated[int, Field(gt=0)] = 1
    """Steps between two updates of the masks."""
    scores: Scores = Scores()
    """How they begin, and how fast they change."""

    @model_validator(mode="after")
    def _leaves_time_to_prune(self) -> SoftPrune:
        leave_time_to_prune(self)
        return self

    def run(self, program: Program) -> Report:
        places, left = places_inside(program, pattern.choose("element"), self.targets)
        names = [place.name for place in places]
        program.plan.duties.append(SoftPruning(self, program, names))
        says = f"by training, sigmoid(score) > {self.threshold}, {self.schedule}"
        return Report(did=dict.fromkeys(names, says), left=left)
