"""Words with tags, checked, and as token ids."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch

from sparsify.data.batches import Encoded, Row, padding, require_fast
from sparsify.data.table import Table
from sparsify.data.text import Sentences
from sparsify.errors import Problem, nearest
from sparsify.metrics import ByTag, Judge
from sparsify.task_loss import NO_LABEL

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Tagged(Encoded):
    """Rows with a label for the first token of each word, -100 for the others; i64[N, S]."""

    tags: tuple[str, ...]

    def targets(self, rows: torch.Tensor) -> torch.Tensor:
        return self.labels[rows][:, : int(self.lengths[rows].max())]

    def judge(self) -> Judge:
        return ByTag(self.labels, self.tags)


def tag_names(table: Table, column: str) -> tuple[str, ...]:
    """The tags of the training rows by id: numbers from 0, or strings in sorted order.

    Raises:
        Problem: a cell is no list of strings or of whole numbers.
    """
    found: set[str | int] = set()
    for row, cell in enumerate(table.columns[column]):
        found |= {
            _checked(table, row, column, place, tag)
            for place, tag in _listed(table, row, column, cell)
        }
    if all(isinstance(tag, int) for tag in found):
        return tuple(str(number) for number in range(max(map(int, found)) + 1))
    return tuple(sorted(map(str, found)))


def sentences(table: Table, words: str, tags: str, names: tuple[str, ...]) -> Sentences:
    """The rows of a table, tags as the ids of `names`.

    Raises:
        Problem: a column is missing, words and tags are not of one number, or a tag is none of
            `names`.
    """
    ids = {name: place for place, name in enumerate(names)}
    found: list[tuple[str, ...]] = []
    numbers: list[list[int]] = []
    columns = table.column(words, key="data.text"), table.column(tags, key="data.label")
    for row, (text, cells) in enumerate(zip(columns[0], columns[1], strict=True)):
        tokens = [
            word if isinstance(word, str) else _no_word(table, row, words, place, word)
            for place, word in _listed(table, row, words, text)
        ]
        chosen = []
        for place, cell in _listed(table, row, tags, cells):
            tag = str(_checked(table, row, tags, place, cell))
            if tag not in ids:
                hint = nearest(tag, ids)
                raise Problem(
                    f"the tag {tag!r} is none of the training rows'",
                    where=_at(table, row, tags, place),
                    hint=hint if hint.startswith("did") else f"they have: {', '.join(names[:12])}",
                )
            chosen.append(ids[tag])
        if len(tokens) != len(chosen):
            what = f"{len(tokens)} words and {len(chosen)} tags"
            raise Problem(what, where=table.place(row, tags))
        found.append(tuple(tokens))
        numbers.append(chosen)
    return Sentences(found, numbers)


def _listed(table: Table, row: int, column: str, cell: object) -> list[tuple[int, Any]]:
    if not isinstance(cell, list) or not cell:
        said = "empty" if cell == [] else "missing" if cell is None else f"{cell!r}"
        raise Problem(
            f"the list in column {column!r} is {said}",
            where=table.place(row, column),
            hint="a sentence is a list of words, and a list of their tags",
        )
    return list(enumerate(cell))


def _checked(table: Table, row: int, column: str, place: int, tag: object) -> str | int:
    if isinstance(tag, str) and tag:
        return tag
    if isinstance(tag, int) and not isinstance(tag, bool) and tag >= 0:
        return tag
    where = _at(table, row, column, place)
    raise Problem(f"the tag {tag!r} is neither a string nor a number from 0", where=where)


def _no_word(table: Table, row: int, column: str, place: int, word: object) -> str:
    raise Problem(f"the word {word!r} is no string", where=_at(table, row, column, place))


def _at(table: Table, row: int, column: str, place: int) -> str:
    """Where a word or tag stands: in a file of columns, in a line of its own."""
    if table.words_have_lines and table.lines is not None:
        return f"{table.source}:{table.lines[row] + place}"
    return table.place(row, column, place)


def encode_sentences(
    rows: Sentences,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    names: Iterable[str] | None = None,
    *,
    tags: tuple[str, ...],
) -> Tagged:
    """Every sentence as one row: its words with spaces between, cut after `max_length` tokens.

    A word's tag is the label of its first token; a word that was cut off has none.

    Raises:
        Problem: the tokenizer does not tell where tokens stand.
    """
    require_fast(tokenizer, "token-classification")
    pad = padding(tokenizer)
    given = [name for name in names or tokenizer.model_input_names if name in pad]
    found: Any = tokenizer(
        [" ".join(words) for words in rows.words],
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        return_attention_mask=True,
    )
    lengths = torch.tensor([len(ids) for ids in found["input_ids"]])
    labels = torch.full((len(rows), int(lengths.max())), NO_LABEL)
    encoded: list[Row] = []
    for row, words in enumerate(rows.words):
        for place, word in _first_tokens(words, found["offset_mapping"][row]):
            labels[row, place] = rows.tags[row][word]
        encoded.append({name: found[name][row] for name in given})
    padded = {name: pad[name] for name in given}
    return Tagged(encoded, lengths, labels, padded, int((lengths == max_length).sum()), tags=tags)


def _first_tokens(
    words: Sequence[str], offsets: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The place of the first token of each word, and the number of the word."""
    starts = [0, *accumulate(len(word) + 1 for word in words)][:-1]
    last = -1
    for place, (low, high) in enumerate(offsets):
        # some tokens hold the space before their word, so it is the last letter that tells
        word = bisect_right(starts, high - 1) - 1
        if high > low and word != last:
            yield place, word
            last = word
