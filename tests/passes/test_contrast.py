"""What is compared with what: banks, snapshots, candidates and positives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from passes.contrast import Contrast
from passes.contrasting import Contrasting
from passes.info_nce import info_nce
from sparsify import schema
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.plan import Moment
from sparsify.tasks import Labels
from tests.sparsify.programs import program, ran

ROWS, WIDTH, STEPS = 12, 8, 12
LABELS = torch.arange(ROWS) % 2


def vector(source: str, rows: Tensor) -> Tensor:
    """A fixed representation of each row by each source, [rows, width]."""
    found = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(len(source)))
    return found[rows]


class Stub:
    """A run of twelve steps over the first ten of twelve rows, and what it was asked to encode."""

    def __init__(self, folder: Path, labels: Tensor = LABELS, start: int = 0) -> None:
        self.student: Any = "student"
        self.teacher: Any = "the teacher"
        self.folder, self.labels, self.start, self.steps = folder, labels, start, STEPS
        self.batches = [torch.tensor([step % 10, (step + 3) % 10]) for step in range(STEPS)]
        self.asked: list[tuple[str, list[int]]] = []

    def encode(self, source: Any, rows: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        self.asked.append((source, rows.tolist()))
        return {name: vector(source, rows) for name in taps}


def duty(**options: Any) -> Contrasting:
    return Contrasting(Contrast.model_validate({"extra": 0, **options}))


def moment(rows: Tensor, step: int = 0, seed: int = 0) -> Moment:
    generator = torch.Generator().manual_seed(seed)
    student = torch.randn(len(rows), WIDTH, generator=generator).requires_grad_()
    return Moment(step, rows, LABELS[rows], {"pooled": student}, {})


def test_banks_cover_the_rows_that_the_run_still_uses(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(snapshots=3)
    found.begin(run)
    for step in range(STEPS):
        found.before_step(run, step)
    assert run.asked == [
        ("student", list(range(10))),
        ("the teacher", list(range(10))),
        ("student", list(range(10))),
        ("student", [0, 1, 2, 3, 4, 6, 7, 8, 9]),
        ("student", [0, 1, 2, 3, 4, 9]),
    ]
    assert sorted(path.name for path in (tmp_path / "banks").iterdir()) == [
        "finetuned.npy", "pretrained.npy", "snapshot-3.npy", "snapshot-6.npy", "snapshot-9.npy",
    ]  # fmt: skip
    facts = found.facts()
    assert facts["banks"] == 5
    assert facts["bank_megabytes"] == pytest.approx((10 + 10 + 10 + 9 + 6) * WIDTH * 2 / 1e6)


def test_a_snapshot_may_be_limited_to_some_rows(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(snapshots=1, snapshot_rows=4, pretrained=False, finetuned=False)
    found.begin(run)
    found.before_step(run, 6)
    assert run.asked == [("student", [0, 2, 6, 9])]


def test_a_resumed_run_reads_its_banks_again(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(snapshots=3)
    found.begin(run)
    for step in range(8):
        found.before_step(run, step)
    again: Any = Stub(tmp_path, start=7)
    other = duty(snapshots=3)
    other.begin(again)
    other.restore(again, {}, 7)
    assert again.asked == []
    at = moment(torch.tensor([1, 4]), step=7)
    assert torch.equal(found.loss(at), other.loss(at))  # type: ignore[arg-type]


def by_hand(at: Moment, owners: Tensor, banks: Tensor, weights: tuple[float, float]) -> Tensor:
    """One term over the batch itself and `banks`, whose vectors belong to the rows `owners`."""
    anchors = F.normalize(at.student["pooled"], dim=-1)
    candidates = torch.cat([anchors.detach(), F.normalize(banks, dim=-1).half().float()])
    owners = torch.cat([at.rows, owners])
    itself = torch.zeros(len(at.rows), len(owners), dtype=torch.bool)
    for i in range(len(at.rows)):
        itself[i, i] = True
    total = torch.zeros(())
    same = torch.tensor([[int(a) == int(b) for b in owners] for a in at.rows]) & ~itself
    alike = (
        torch.tensor([[bool(LABELS[a] == LABELS[b]) for b in owners] for a in at.rows]) & ~itself
    )
    for weight, positives in zip(weights, (same, alike), strict=True):
        loss = info_nce(
            anchors, candidates, positives, itself, temperature=0.1, normalizer="equation"
        )
        total = total + weight * loss
    return total


def test_an_example_is_drawn_to_its_own_vectors_and_to_its_class(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(snapshots=0, normalizer="equation", unsupervised=0.5, supervised=2.0)
    found.begin(run)
    at = moment(torch.tensor([1, 4, 7]))
    term = found.loss(at)
    assert term is not None
    expected = sum(
        by_hand(at, at.rows, vector(source, at.rows), (0.5, 2.0))
        for source in ("student", "the teacher")
    )
    torch.testing.assert_close(term, expected)
    term.backward()
    gradient = at.student["pooled"].grad
    assert gradient is not None
    assert bool(gradient.any(dim=-1).all())


def test_every_snapshot_gives_candidates(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(snapshots=2, normalizer="equation", pretrained=False, finetuned=False)
    found.begin(run)
    assert found.loss(moment(torch.tensor([0, 1]))) is None
    for step in (4, 8):
        found.before_step(run, step)
    at = moment(torch.tensor([0, 1]), step=9)
    vectors = vector("student", at.rows)
    expected = by_hand(at, at.rows.repeat(2), vectors.repeat(2, 1), (0.1, 10.0))
    torch.testing.assert_close(found.loss(at), expected)


def test_extras_are_other_rows_drawn_by_the_step(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(extra=4, snapshots=0)
    found.begin(run)
    (bank,) = found.banks["pretrained"]
    rows = torch.tensor([1, 4])
    vectors, owners = found.candidates(rows, [bank], 7)
    torch.rand(1)
    again = found.candidates(rows, [bank], 7)
    assert torch.equal(vectors, again[0])
    assert owners.tolist()[:2] == [1, 4]
    assert len(owners) == len(set(owners.tolist()[2:])) + 2 == 6
    assert max(owners.tolist()) < 10
    draws = {tuple(found.candidates(rows, [bank], draw)[1].tolist()) for draw in range(5)}
    assert len(draws) > 1


def test_only_anchors_learn(tmp_path: Path) -> None:
    run: Any = Stub(tmp_path)
    found = duty(extra=8)
    found.begin(run)
    assert not any(bank.vectors.requires_grad for banks in found.banks.values() for bank in banks)
    one = moment(torch.tensor([1, 4]))
    term = found.loss(one)
    assert term is not None
    (first,) = torch.autograd.grad(term, one.student["pooled"])
    # with only row 1 as an anchor, row 4 is a candidate whose vector gets no gradient
    anchors = F.normalize(one.student["pooled"], dim=-1)
    positives = torch.tensor([[False, True]])
    loss = info_nce(anchors[:1], anchors.detach(), positives, ~positives & False,
                    temperature=0.1, normalizer="equation")  # fmt: skip
    (alone,) = torch.autograd.grad(loss, one.student["pooled"])
    assert first[1].any()
    assert not alone[1].any()


def test_it_reads_the_teacher_only_where_it_compares_with_it() -> None:
    assert duty().teacher_taps == ("pooled",)
    assert duty(representation="mean").taps == ("mean",)
    assert duty(finetuned=False).teacher_taps == ()
    assert duty(finetuned=False).promises() == ["PrC, SnC (3) of `pooled`"]
    assert duty(snapshots=0).promises() == ["PrC, FiC of `pooled`"]


def test_the_report_says_what_is_on() -> None:
    (step,) = apply([Contrast(pretrained=False)], program("bert"))
    assert step.report.did == {
        "snapshots": "SnC, 3 banks while training",
        "finetuned": "FiC, one bank of the teacher",
    }
    assert step.report.left == {"pretrained": "switched off"}
    assert step.report.facts == {"representation_width": 32.0}


def test_a_second_one_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", Contrast(), Contrast())
    assert str(caught.value) == (
        "passes[1]: the representations are contrasted already; keep one `contrast`"
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("number", "the labels are numbers"),
        ("span", "the labels are answers in a text"),
        ("token", "every token has a label of its own"),
    ],
)
def test_what_has_no_classes_has_none_to_compare(labels: Labels, said: str) -> None:
    with pytest.raises(Problem) as caught:
        duty().accept(labels)
    assert str(caught.value) == f"{said}, and `supervised` compares classes; set `supervised: 0`"
    duty(supervised=0).accept(labels)
    duty().accept("class")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"supervised": 0, "unsupervised": 0},
         "Value error, `unsupervised` and `supervised` are both 0; drop the pass"),
        ({"temperature": 0}, "Input should be greater than 0"),
        ({"normalizer": "paper"}, "Input should be 'equation' or 'code'"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Contrast.model_validate(options)
    assert caught.value.errors()[0]["msg"] == said


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ([], {"pretrained", "snapshots", "finetuned"}),
        (["passes.contrast.pretrained=false"], {"snapshots", "finetuned"}),
        (["passes.contrast.snapshots=0"], {"pretrained", "finetuned"}),
        (["passes.contrast.finetuned=false"], {"pretrained", "snapshots"}),
        (["passes.contrast={pretrained: false, snapshots: 0, finetuned: false}"], set()),
    ],
)
@pytest.mark.parametrize("name", ["cap-movement-90", "cap-soft-movement-90", "cap-first-order-90"])
def test_the_ablation_is_a_line_each(name: str, settings: list[str], on: set[str]) -> None:
    (only,) = (p for p in schema.read(name, settings).recipe.passes if isinstance(p, Contrast))
    found = ran("bert")
    (step,) = apply([only], found)
    assert step.report.did.keys() == on
    assert step.report.left == dict.fromkeys(
        {"pretrained", "snapshots", "finetuned"} - on, "switched off"
    )
    assert len(found.plan.duties) == bool(on)
