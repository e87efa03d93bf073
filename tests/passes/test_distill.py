"""Distillation adds its weighted terms, without padding, and refuses what makes no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from scipy.special import softmax
from torch import Tensor

from passes.distill import Distill
from passes.distilling import Distilling
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.plan import Moment
from sparsify.program import Program
from tests.sparsify.programs import Toy, captured, model, program, ran

TOLERANCE = 1e-5
TOKENS = torch.tensor([[True, True, True, True], [True, True, False, False]])
SECRET = torch.finfo(torch.float32).min
"""What a mask adds to the scores of places that may not be looked at."""


def duty(**options: Any) -> Distilling:
    kind = Toy if options.keys() <= {"logits"} else "bert"
    (found,) = ran(kind, Distill.model_validate(options)).plan.duties
    assert isinstance(found, Distilling)
    return found


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def moment(
    student: dict[str, Tensor], teacher: dict[str, Tensor], tokens: Tensor | None = None
) -> Moment:
    rows = torch.arange(2)
    return Moment(0, rows, rows, student, teacher, tokens)


def only(what: str, **options: Any) -> Distilling:
    return duty(logits=None, **{what: options})


def term(found: Distilling, given: Moment) -> float:
    loss = found.loss(given)
    assert loss is not None
    return float(loss.detach())


def test_the_term_is_the_weighted_loss_and_only_the_student_learns() -> None:
    student, teacher = numbers(0, 3, 2).requires_grad_(), numbers(1, 3, 2)
    found = duty(logits={"weight": 0.5, "loss": "mse"})
    loss = found.loss(moment({"logits": student}, {"logits": teacher}))
    assert loss is not None
    torch.testing.assert_close(loss, 0.5 * F.mse_loss(student, teacher))
    loss.backward()
    assert student.grad is not None


def layered(what: str, seed: int, *shape: int) -> dict[str, Tensor]:
    first = 1 if what == "hidden" else 0
    return {f"{what}.{first + i}": numbers(seed + i, *shape) for i in (0, 1)}


@pytest.mark.parametrize("loss", ["mse", "cosine", "normalized-mse"])
def test_hidden_states_are_compared_token_by_token_and_summed_over_layers(loss: str) -> None:
    student, teacher = layered("hidden", 0, 2, 4, 5), layered("hidden", 10, 2, 4, 5)
    found = only("hidden", weight=0.3, loss=loss)
    expected = 0.0
    for name in student:
        s, t = (each[name].double().numpy()[TOKENS.numpy()] for each in (student, teacher))
        assert len(s) == 6
        if loss == "cosine":
            size = np.linalg.norm(s, axis=1) * np.linalg.norm(t, axis=1)
            expected += 0.3 * float(1 - ((s * t).sum(1) / size).mean())
        else:
            scale = np.square(t).mean() if loss == "normalized-mse" else 1.0
            expected += 0.3 * float(np.square(s - t).mean() / scale)
    assert term(found, moment(student, teacher, TOKENS)) == pytest.approx(expected, rel=TOLERANCE)


def test_embeddings_are_what_enters_the_first_layer() -> None:
    found = only("embeddings")
    assert found.taps == found.teacher_taps == ("hidden.0",)
    s, t = {"hidden.0": numbers(0, 2, 4, 5)}, {"hidden.0": numbers(1, 2, 4, 5)}
    expected = F.mse_loss(s["hidden.0"], t["hidden.0"])
    assert term(found, moment(s, t)) == pytest.approx(float(expected))


def attention(seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Scores [2, 3, 4, 4] of two layers, with padding as a mask writes it, and probabilities."""
    hidden = ~TOKENS[:, None, None, :]
    scores = {
        n: s.masked_fill(hidden, SECRET) for n, s in layered("scores", seed, 2, 3, 4, 4).items()
    }
    return scores, {f"attention.{n[-1]}": s.softmax(-1) for n, s in scores.items()}


def by_query(scores: Tensor, example: int) -> np.ndarray:
    """f64[heads, queries, keys] of one example, only its tokens."""
    size = int(TOKENS[example].sum())
    return np.asarray(scores[example, :, :size, :size].double().numpy())


@pytest.mark.parametrize("what", ["scores", "attention"])
@pytest.mark.parametrize("loss", ["mse", "normalized-mse", "kl"])
def test_attention_is_compared_only_where_tokens_look_at_tokens(what: str, loss: str) -> None:
    scores, other = attention(0), attention(10)
    place = ("scores", "attention").index(what)
    found = only(what, loss={"kl": {"temperature": 1.0}} if loss == "kl" else loss)
    expected = 0.0
    for name in scores[place]:
        pairs = [
            (by_query(scores[place][name], i), by_query(other[place][name], i)) for i in (0, 1)
        ]
        if loss == "kl":
            if what == "scores":
                pairs = [(softmax(s, -1), softmax(t, -1)) for s, t in pairs]
            rows = [(t * np.log(t / s)).sum(-1).ravel() for s, t in pairs]
            expected += float(np.concatenate(rows).mean())
        else:
            s, t = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
            scale = np.square(t).mean() if loss == "normalized-mse" else 1.0
            expected += float(np.square(s - t).mean() / scale)
    given = moment(scores[place], other[place], TOKENS)
    assert term(found, given) == pytest.approx(expected, rel=TOLERANCE)


def test_what_a_causal_mask_hides_counts_for_nothing() -> None:
    above = torch.ones(4, 4).triu(1).bool()
    s = {n: v.masked_fill(above, SECRET) for n, v in layered("scores", 0, 2, 3, 4, 4).items()}
    t = {n: v.masked_fill(above, -torch.inf) for n, v in layered("scores", 9, 2, 3, 4, 4).items()}
    seen = ~above
    expected = sum(float((s[n] - t[n])[:, :, seen].square().mean()) for n in s)
    assert term(only("scores"), moment(s, t)) == pytest.approx(expected, rel=TOLERANCE)
    value = term(only("scores", loss="kl"), moment(s, t))
    assert np.isfinite(value)


def test_padding_has_no_gradient() -> None:
    student = {n: v.requires_grad_() for n, v in layered("hidden", 0, 2, 4, 5).items()}
    loss = only("hidden").loss(moment(student, layered("hidden", 5, 2, 4, 5), TOKENS))
    assert loss is not None
    loss.backward()
    for value in student.values():
        assert value.grad is not None
        assert not value.grad[~TOKENS].any()
        assert value.grad[TOKENS].all()


def prepared(student: Program, teacher: Program, **options: Any) -> Distilling:
    apply([Distill.model_validate({"logits": None, **options})], student)
    (found,) = student.plan.duties
    assert isinstance(found, Distilling)
    found.prepare(student, teacher)
    return found


def test_a_deeper_and_wider_teacher_is_mapped_and_the_student_projected() -> None:
    teacher = captured(model("bert", num_hidden_layers=4, hidden_size=48, num_attention_heads=2))
    found = prepared(program("bert"), teacher, hidden={}, embeddings={}, scores={"layers": "last"})
    assert found.taps == ("hidden.0", "hidden.1", "hidden.2", "scores.0", "scores.1")
    assert found.teacher_taps == ("hidden.0", "hidden.2", "hidden.4", "scores.2", "scores.3")
    learned = found.learned()
    assert learned is not None
    assert learned.learning_rate == 1e-3
    assert {n: tuple(t.shape) for n, t in learned.tensors.items()} == {
        "embeddings": (48, 32),
        "hidden": (48, 32),
    }
    again = prepared(program("bert"), teacher, hidden={})
    assert torch.equal(again.projections["hidden"], found.projections["hidden"])


def test_a_projection_turns_the_students_width_into_the_teachers() -> None:
    teacher = captured(model("bert", hidden_size=48))
    found = prepared(program("bert"), teacher, hidden={})
    s, t = layered("hidden", 0, 2, 4, 32), layered("hidden", 9, 2, 4, 48)
    matrix = found.projections["hidden"].detach().double().numpy()
    expected = sum(
        np.square(
            s[n].double().numpy()[TOKENS.numpy()] @ matrix.T - t[n].double().numpy()[TOKENS.numpy()]
        ).mean()
        for n in s
    )
    given = moment(s, t, TOKENS)
    assert term(found, given) == pytest.approx(float(expected), rel=TOLERANCE)
    loss = found.loss(given)
    assert loss is not None
    loss.backward()
    assert found.projections["hidden"].grad is not None


def test_other_heads_and_other_depths_are_mistakes() -> None:
    heads = captured(model("bert", num_attention_heads=4))
    with pytest.raises(Problem) as caught:
        prepared(program("bert"), heads, scores={})
    assert str(caught.value) == (
        "distill.scores: the student has 2 heads and the teacher 4; set `scores: null`"
    )
    deep = captured(model("bert", num_hidden_layers=3))
    with pytest.raises(Problem) as caught:
        prepared(program("bert"), deep, hidden={"layers": "one-to-one"})
    assert str(caught.value) == (
        "the student has 2 layers and the teacher 3: no map `one-to-one`; set `layers: uniform`"
    )


def test_it_says_what_it_does() -> None:
    found = program("bert")
    settings = {"logits": {"loss": {"kl": {"temperature": 4}}}, "hidden": {"weight": 2}}
    (step,) = apply([Distill.model_validate(settings)], found)
    assert step.report.did == {"logits": "0.9 * kl(temperature=4.0)", "hidden": "2.0 * mse"}
    (owed,) = found.plan.duties
    assert owed.promises() == [
        "0.9 * kl(temperature=4.0) of the teacher's logits",
        "2.0 * mse of the teacher's hidden, layers uniform",
    ]
    assert owed.taps == owed.teacher_taps == ("logits", "hidden.1", "hidden.2")
    assert owed.covers == ()


def test_a_second_one_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        ran(Toy, Distill(), Distill())
    assert str(caught.value) == ("passes[1]: the teacher is distilled already; keep one `distill`")


@pytest.mark.parametrize("loss", ["kl", "soft-cross-entropy"])
def test_comparing_classes_where_labels_are_numbers_is_a_mistake(loss: str) -> None:
    with pytest.raises(Problem) as caught:
        duty(logits={"loss": loss}).accept("number")
    assert str(caught.value) == (
        f"`{loss}` compares classes, and the labels are numbers; set `logits: {{loss: mse}}`"
    )
    duty(logits={"loss": "mse"}).accept("number")
    duty().accept("class")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"logits": None}, "Value error, nothing is to be distilled; drop the pass"),
        ({"scores": {"loss": "cosine"}},
         "Value error, attention is compared by `kl`, `mse` or `normalized-mse`"),
        ({"hidden": {"layers": "first"}},
         "Input should be 'uniform', 'one-to-one', 'skip' or 'last'"),
        ({"hidden": {"weight": 0}}, "Input should be greater than 0"),
        ({"weight": 0.5}, "Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Distill.model_validate(options)
    assert caught.value.errors()[0]["msg"] == said
