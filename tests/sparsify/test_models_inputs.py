"""Example inputs fit every architecture and the user's own modules, at every size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from sparsify.errors import Problem
from sparsify.given import Input
from sparsify.models import Source, example_inputs, sequence_limit
from tests.sparsify.tiny import SIZES, config, tokenizer


def of(kind: str, words: Any = None, **options: Any) -> Source:
    settings = config(kind, **options)
    module = AutoModelForSequenceClassification.from_config(settings)
    return Source(module, settings, words, kind, None)


def plain(module: nn.Module) -> Source:
    return Source(module, None, None, "mine:make", None)


class Words(nn.Module):
    """A user's own encoder: few words, more positions, token types."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 16)
        self.places = nn.Embedding(9, 16)
        self.types = nn.Embedding(2, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        hidden = self.words(input_ids) + self.places(torch.arange(input_ids.shape[1]))
        if token_type_ids is not None:
            hidden = hidden + self.types(token_type_ids)
        found: Tensor = self.encoder(hidden, src_key_padding_mask=attention_mask == 0)
        return found


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize(("batch", "sequence"), [(2, 12), (1, 1), (5, 500)])
def test_inputs_fit_every_architecture_at_every_size(kind: str, batch: int, sequence: int) -> None:
    source = of(kind, tokenizer())
    inputs, dynamic = example_inputs(source, batch=batch, sequence=sequence)
    limit = sequence_limit(source)
    assert limit is not None
    assert {value.shape for value in inputs.values()} == {(batch, min(sequence, limit))}
    assert dynamic == {name: {0: "batch", 1: "sequence"} for name in inputs}
    assert source.module.eval()(**inputs).logits.isfinite().all()


@pytest.mark.parametrize(
    ("kind", "types", "limit"),
    [("bert", True, 32), ("distilbert", False, 32), ("roberta", False, 30), ("albert", True, 32),
     ("electra", True, 32), ("mpnet", False, 30)],
)  # fmt: skip
def test_names_and_limits_are_those_of_the_architecture(kind: str, types: bool, limit: int) -> None:
    source = of(kind)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    assert list(example_inputs(source)[0]) == (names if types else names[:2])
    assert sequence_limit(source) == limit


def test_token_types_need_a_tokenizer_that_gives_them() -> None:
    words = tokenizer(model_input_names=["input_ids", "attention_mask"])
    assert list(example_inputs(of("bert", words))[0]) == ["input_ids", "attention_mask"]


def test_some_rows_end_in_padding_and_the_first_does_not() -> None:
    inputs, _ = example_inputs(of("roberta"), batch=3)
    mask = inputs["attention_mask"]
    assert mask.sum(1).tolist() == [12, 9, 6]
    assert torch.equal(inputs["input_ids"] == 1, mask == 0)


def test_the_same_arguments_give_the_same_values() -> None:
    one, other = (example_inputs(of("bert"))[0] for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_plain_module_is_watched_to_find_its_vocabulary_and_positions() -> None:
    source = plain(Words())
    inputs, _ = example_inputs(source, batch=4, sequence=30)
    assert list(inputs) == ["input_ids", "attention_mask", "token_type_ids"]
    assert inputs["input_ids"].shape == (4, 9)
    assert int(inputs["input_ids"].max()) == 4
    assert source.module.training
    assert source.module(**inputs).shape == (4, 9, 16)


class Other(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x)
        return found


class More(Words):
    def forward(self, input_ids: Tensor, speaker: Tensor) -> Tensor:  # type: ignore[override]
        found: Tensor = self.words(input_ids) + speaker[..., None]
        return found


class Blind(nn.Module):
    def forward(self, input_ids: Tensor) -> Tensor:
        return input_ids


class OwnNames(nn.Module):
    """Reads two texts, under names that no tokenizer knows."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = nn.Embedding(7, 4)
        self.answers = nn.Embedding(3, 4)

    def forward(self, question: Tensor, answer: Tensor) -> Tensor:
        found: Tensor = self.questions(question) + self.answers(answer)
        return found


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Other(), "mine:make: what forward takes (x) cannot be guessed: it does not run on ids"
         " (mat1 and mat2 must have the same dtype, but got Long and Float); describe it in"
         " capture.inputs, such as `x: [batch, sequence, 64]`"),
        (More(), "mine:make: what forward's 'speaker' takes cannot be guessed; give its shape in"
         " capture.inputs, such as `speaker: [batch, sequence, 64]`"),
        (Blind(), "mine:make: no nn.Embedding reads input_ids, so what it may hold is unknown;"
         " give its shape in capture.inputs"),
    ],
)  # fmt: skip
def test_a_module_that_takes_something_else_is_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(Problem) as caught:
        example_inputs(plain(module))
    assert str(caught.value) == message


def test_what_goes_into_an_embedding_is_ids_whatever_its_name() -> None:
    inputs, dynamic = example_inputs(plain(OwnNames()))
    assert {name: int(value.max()) for name, value in inputs.items()} == {
        "question": 6,
        "answer": 2,
    }
    assert dynamic["answer"] == {0: "batch", 1: "sequence"}


def given(text: dict[str, Any]) -> dict[str, Input]:
    return {name: Input.model_validate(value) for name, value in text.items()}


def test_inputs_that_the_user_describes_are_drawn_as_described() -> None:
    inputs, dynamic = example_inputs(
        plain(Named()),
        given=given(
            {
                "x": ["batch", "frames=20", 4],
                "ids": {"shape": ["batch", "marks"], "low": 3, "high": 5},
                "mask": {"shape": ["batch", "frames"], "dtype": "bool"},
            }
        ),
    )
    assert {name: tuple(value.shape) for name, value in inputs.items()} == {
        "x": (2, 20, 4),
        "ids": (2, 25),
        "mask": (2, 20),
    }
    assert set(inputs["ids"].flatten().tolist()) == {3, 4}
    assert inputs["mask"].all()
    assert dynamic["x"] == {0: "batch", 1: "frames"}


class Named(nn.Module):
    def forward(self, x: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        return x.sum() + ids.sum()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"y": ["batch"]}, "capture.inputs: Named takes no input 'y'; known: ids, mask, x"),
        ({"x": ["batch"]}, "capture.inputs: Named needs the input 'ids'"),
    ],
)
def test_inputs_that_do_not_fit_forward_are_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem) as caught:
        example_inputs(plain(Named()), given=given(wanted))
    assert str(caught.value) == message


def test_inputs_that_the_model_does_not_run_on_are_refused() -> None:
    with pytest.raises(
        Problem, match=r"capture\.inputs: mine:make does not run on them: mat1.*layer"
    ):
        example_inputs(plain(Other()), given=given({"x": ["batch", 5]}))


def test_saving_assets_of_a_plain_module_writes_nothing(tmp_path: Path) -> None:
    plain(Words()).save_assets(tmp_path)
    assert not list(tmp_path.iterdir())
