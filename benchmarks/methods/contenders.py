"""The methods that are compared, and variants of them that answer a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sparsify.errors import unknown


@dataclass(frozen=True)
class Method:
    """A built-in recipe, and what of a budget concerns it."""

    name: str
    recipe: str
    base: str | None = None
    """The method that it is compared with, seed by seed."""
    sparsities: tuple[float, ...] = (0.9, 0.97)
    settings: tuple[str, ...] = ()
    learns_scores: str | None = None
    """The pass that learns scores."""
    contrasts: bool = False
    regularization: Mapping[float, float] = field(default_factory=dict)
    """By sparsity, where a threshold on scores decides how sparse a weight becomes."""
    changes: tuple[str, ...] = ()
    """What is set after all that a budget sets."""
    group: str | None = None
    """The question that a variant answers with others; it runs only where one of both is named."""


METHODS = {
    method.name: method
    for method in (
        # it learns from no teacher, and is held against the dense model that the others learn from
        Method("magnitude", "magnitude-90", settings=("teacher.fine_tune.steps=${teacher_steps}",)),
        Method("magnitude-kd", "magnitude-kd-90", base="magnitude"),
        Method("movement-kd", "movement-kd-90", base="magnitude-kd", learns_scores="prune"),
        Method(
            "cap-movement",
            "cap-movement-90",
            base="movement-kd",
            learns_scores="prune",
            contrasts=True,
        ),
        Method(
            "soft-movement-kd",
            "soft-movement-kd-90",
            base="movement-kd",
            learns_scores="soft-prune",
            regularization={0.9: 190, 0.97: 550},
        ),
        Method(
            "cap-soft-movement",
            "cap-soft-movement-90",
            base="soft-movement-kd",
            learns_scores="soft-prune",
            contrasts=True,
            regularization={0.9: 190, 0.97: 550},
        ),
        Method("first-order-kd", "first-order-kd-90"),
        Method("cap-first-order", "cap-first-order-90", base="first-order-kd", contrasts=True),
        Method("prune-then-finetune", "sparsebert-prune-then-finetune-95", sparsities=(0.95,)),
        Method("finetune-then-prune", "sparsebert-finetune-then-prune-95", sparsities=(0.95,)),
        Method("obert", "obert-gradual-90", base="magnitude-kd"),
        Method("block-4x1-kd", "block-4x1-kd-80", base="magnitude-kd", sparsities=(0.8, 0.9)),
        Method("block-1x4-kd", "block-1x4-kd-90", base="magnitude-kd", sparsities=(0.9,)),
        Method("structured-kd", "structured-kd-50", sparsities=(0.5, 0.75)),
        Method("sparsebert", "sparsebert-95", base="finetune-then-prune", sparsities=(0.95,)),
    )
}


def _variant(name: str, of: str, group: str, change: str) -> Method:
    """A method with one thing changed, held against itself without the change."""
    changed = replace(METHODS[of], name=name, base=of, sparsities=(0.97,))
    return replace(changed, changes=(change,), group=group)


CAP, BASE = "cap-movement", "movement-kd"
WEIGHTS, SCORES = "train.learning_rate=2e-4", "passes.prune.scores.learning_rate=3e-3"
VARIANTS = {
    method.name: method
    for method in (
        # without all three CAP is its base
        _variant("cap-without-prc", CAP, "ablation", "passes.contrast.pretrained=false"),
        _variant("cap-without-snc", CAP, "ablation", "passes.contrast.snapshots=0"),
        _variant("cap-without-fic", CAP, "ablation", "passes.contrast.finetuned=false"),
        _variant("cap-weights-2e-4", CAP, "rate", WEIGHTS),
        _variant("movement-weights-2e-4", BASE, "rate", WEIGHTS),
        _variant("cap-scores-3e-3", CAP, "rate", SCORES),
        _variant("movement-scores-3e-3", BASE, "rate", SCORES),
        _variant("cap-batch-16", CAP, "sweep", "train.batch=16"),
        _variant("cap-batch-64", CAP, "sweep", "train.batch=64"),
        _variant("cap-temperature-0.05", CAP, "sweep", "passes.contrast.temperature=0.05"),
        _variant("cap-temperature-0.2", CAP, "sweep", "passes.contrast.temperature=0.2"),
        _variant("cap-extra-0", CAP, "sweep", "passes.contrast.extra=0"),
        _variant("cap-extra-1024", CAP, "sweep", "passes.contrast.extra=1024"),
    )
}
ALL = METHODS | VARIANTS


def named(names: Sequence[str]) -> list[Method]:
    """Those of these names, and those of the groups among the names; of no names: `METHODS`.

    Raises:
        Problem: there is neither such a method nor such a group.
    """
    groups = {method.group for method in VARIANTS.values()}
    for name in names:
        if name not in ALL and name not in groups:
            raise unknown("method", name, [*ALL, *sorted(filter(None, groups))])
    found = [method for method in ALL.values() if {method.name, method.group} & set(names)]
    return found if names else list(METHODS.values())
