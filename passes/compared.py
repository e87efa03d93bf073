"""What of the student's and the teacher's values is compared: everything but padding."""

from __future__ import annotations

from torch import Tensor

HIDDEN = -1e3
"""Scores below it belong to what attention may not look at."""


def without_padding(value: Tensor, tokens: Tensor | None) -> Tensor:
    """f[rows, width] from f[batch, tokens, width], without padding."""
    return value.flatten(0, 1) if tokens is None else value[tokens]


def queries(student: Tensor, teacher: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
    """f[queries, heads, keys] from f[batch, heads, queries, keys]: a distribution in each row."""
    hidden = (student < HIDDEN) | (teacher < HIDDEN)
    if tokens is not None:
        hidden = hidden | ~tokens[:, None, None, :]
    # finite, for 0 * infinity is no number, and far enough below every score to count for nothing
    values = [each.masked_fill(hidden, 10 * HIDDEN).transpose(1, 2) for each in (student, teacher)]
    student, teacher = (without_padding(each, tokens) for each in values)
    return student, teacher


def attended(student: Tensor, teacher: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
    """f[pairs] from f[batch, heads, queries, keys]: only where a token looks at a token."""
    seen = (student > HIDDEN) & (teacher > HIDDEN)
    if tokens is not None:
        seen = seen & tokens[:, None, :, None] & tokens[:, None, None, :]
    return student[seen], teacher[seen]


def of_tokens(student: Tensor, teacher: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
    """f[rows, classes] from logits f[batch, tokens, classes]; a decoder's have no padding here."""
    tokens = None if tokens is None or tokens.shape != student.shape[:2] else tokens
    return without_padding(student, tokens), without_padding(teacher, tokens)


def spans(
    student: Tensor, teacher: Tensor, tokens: Tensor | None, *, likely: bool
) -> tuple[Tensor, Tensor]:
    """The logits f[batch, 2, tokens] of starts and ends: every place of a token is a class.

    Compared as likelihoods (`likely`), padding gets none; else only places of tokens are left.
    """
    if tokens is None:
        return student, teacher
    padded = ~tokens[:, None, :].expand_as(student)
    if likely:
        return student.masked_fill(padded, 10 * HIDDEN), teacher.masked_fill(padded, 10 * HIDDEN)
    return student[~padded], teacher[~padded]
