"""Running text becomes rows, what is hidden is always the same, and perplexity is as defined."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from sparsify.data import Documents, load
from sparsify.data.language import Hiding, Masked, Running, encode_text
from sparsify.errors import Problem
from sparsify.metrics import ByWord
from sparsify.recipe_data import Data
from tests.sparsify.tiny import tokenizer

# [PAD] [UNK] [CLS] [SEP] are 0 to 3, a to h are 4 to 11
TEXT = Documents(["a b c d\n", "e f g\n", "h\n"], apart=False)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def words() -> Any:
    """A tokenizer with a mask."""
    found = tokenizer()
    found.mask_token = "[UNK]"
    return found


def hidden(share: float = 0.5, *, anew: bool = False, seed: int = 0, text: int = 40) -> Masked:
    long = Documents(["a b c d e f g h " * text], apart=False)
    found = encode_text(long, words(), 18, hiding=Hiding(share, seed, anew))
    assert isinstance(found, Masked)
    return found


def test_the_tokens_of_all_text_are_cut_into_rows() -> None:
    found = encode_text(TEXT, tokenizer(), 5)
    ids = [row["input_ids"] for row in found.rows]
    assert ids == [[2, 4, 5, 6, 3], [2, 7, 8, 9, 3], [2, 10, 11, 3]]
    # the label of a place is the next token; what the tokenizer adds at the end is not asked for
    assert found.labels.tolist() == [
        [4, 5, 6, -100, -100], [7, 8, 9, -100, -100], [10, 11, -100, -100, -100],
    ]  # fmt: skip
    assert found.targets(torch.tensor([2])).tolist() == [[10, 11, -100, -100]]


def test_without_added_tokens_the_first_one_is_not_asked_for() -> None:
    plain = tokenizer()
    backend: Tokenizer = plain.backend_tokenizer
    backend.post_processor = None
    found = encode_text(TEXT, plain, 5)
    assert [row["input_ids"] for row in found.rows] == [[4, 5, 6, 7, 8], [9, 10, 11]]
    assert found.labels.tolist() == [[5, 6, 7, 8, -100], [10, 11, -100, -100, -100]]


def test_documents_are_parted_and_a_last_token_alone_is_left_out() -> None:
    found = encode_text(Documents(["a b", "c d"], apart=True), tokenizer(), 7)
    assert [row["input_ids"] for row in found.rows] == [[2, 4, 5, 3, 6, 7, 3]]


def test_so_many_rows_are_drawn_by_the_seed() -> None:
    text = Documents(["a b c d e f g h " * 9], apart=False)
    one, again, other = (encode_text(text, tokenizer(), 8, count=3, seed=s) for s in (0, 0, 1))
    assert len(one) == 3
    assert one.rows == again.rows != other.rows


def test_what_is_hidden_is_a_share_of_each_row_and_the_label_is_behind_it() -> None:
    data = hidden(0.25)
    rows = torch.arange(len(data))
    ids, labels = data.batch(rows)["input_ids"], data.targets(rows)
    plain = Running.batch(data, rows)["input_ids"]
    asked = labels != -100
    assert asked.sum(1).tolist() == [4] * len(rows)
    assert torch.equal(labels[asked], plain[asked])
    assert torch.equal(ids[~asked], plain[~asked])
    shares = [float((ids[asked] == value).float().mean()) for value in (1,)]
    assert shares[0] == pytest.approx(0.8, abs=0.12)
    assert 0.02 < float((ids[asked] == plain[asked]).float().mean()) < 0.25


def test_rows_to_be_measured_on_hide_the_same_tokens_in_any_batch() -> None:
    data = hidden()
    rows = torch.tensor([3, 1, 2])
    assert torch.equal(data.targets(rows)[1:2], data.targets(torch.tensor([1])))
    assert torch.equal(data.targets(rows), hidden().targets(rows))
    assert not torch.equal(data.targets(rows), hidden(seed=1).targets(rows))


def test_rows_to_learn_from_hide_others_in_every_other_batch() -> None:
    data = hidden(anew=True)
    rows = torch.tensor([3, 1])
    assert torch.equal(data.targets(rows), data.targets(rows))
    assert not torch.equal(data.targets(rows)[:1], data.targets(torch.tensor([3, 2]))[:1])
    asked = data.targets(rows) != -100
    plain = Running.batch(data, rows)["input_ids"]
    assert torch.equal(data.batch(rows)["input_ids"][~asked], plain[~asked])


def test_perplexity_is_the_exponential_of_the_mean_loss_of_a_token() -> None:
    data = encode_text(TEXT, tokenizer(), 5)
    judge = data.judge()
    losses, right = [], []
    for row in range(len(data)):
        logits = torch.randn(1, int(data.lengths[row]), 12)
        judge.see(torch.tensor([row]), logits)
        for place, label in enumerate(data.labels[row].tolist()):
            if label >= 0:
                scores = logits[0, place].double()
                losses.append(float(scores.exp().sum().log() - scores[label]))
                right.append(int(scores.argmax()) == label)
    expected = math.exp(sum(losses) / len(losses))
    found = judge.scores()
    assert found.main == "perplexity"
    assert found.values["perplexity"] == pytest.approx(expected, rel=1e-5)
    assert found.values["accuracy"] == pytest.approx(sum(right) / len(right))
    assert judge.collapsed() is None


def test_an_evaluation_holds_no_more_logits_than_it_can() -> None:
    data = encode_text(TEXT, tokenizer(), 5)
    assert data.tokens_at_once == 2**25 // 12


def test_outputs_that_are_not_finite_still_have_a_perplexity() -> None:
    judge = ByWord(lambda rows: torch.tensor([[1]]))
    judge.see(torch.tensor([0]), torch.full((1, 1, 3), torch.nan))
    assert judge.scores().values["perplexity"] == math.exp(100)
    assert judge.collapsed() == "The model's outputs are not finite: training has diverged."


def test_text_is_read_from_plain_files_and_from_tables() -> None:
    Path("a.txt").write_text("a b\n\nc\n" * 10)
    found = load(Data(task="text-generation", train="a.txt"), seed=0)
    assert found.train == Documents((["a b\n", "\n", "c\n"] * 10)[:27], apart=False)
    assert found.validation == Documents(["a b\n", "\n", "c\n"], apart=False)
    assert found.notes == ["a.txt: 3 of 30 rows are held out for validation."]
    Path("a.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in ("a b", "c")))
    tables = load(Data(task="fill-mask", train="a.jsonl", validation="a.jsonl"), seed=0)
    assert tables.train == Documents(["a b", "c"], apart=True)
    assert tables.labels == "token"


def test_a_table_of_two_texts_is_a_mistake() -> None:
    Path("a.tsv").write_text("one\ttwo\na\tb\n")
    with pytest.raises(Problem) as caught:
        load(Data(task="text-generation", train="a.tsv"), seed=0)
    assert str(caught.value) == (
        "a.tsv: the columns one and two hold text, and a language model reads one; "
        "name one of them in data.text"
    )


def test_text_of_one_token_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        encode_text(Documents(["a"], apart=False), tokenizer(), 8)
    assert str(caught.value) == (
        "data: 1 tokens of text in rows of 6 leave nothing to guess; "
        "give more text, or raise `max_length`"
    )


def test_a_tokenizer_without_a_mask_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        encode_text(TEXT, tokenizer(), 8, hiding=Hiding(0.15, 0, False))
    assert str(caught.value) == (
        "model.tokenizer: the tokenizer has no mask to hide a token behind; "
        "set data.task to text-generation"
    )
