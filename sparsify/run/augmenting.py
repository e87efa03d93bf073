"""More training rows where the recipe asks for them: near words by the model's own embeddings."""

from __future__ import annotations

from collections.abc import Callable

from transformers import PreTrainedTokenizerBase

from sparsify.analysis.roles import roles
from sparsify.data import Encoded
from sparsify.data.augment import augmented, kept_neighbours, kinds
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.recipe import Recipe


def with_copies(
    recipe: Recipe,
    rows: Encoded,
    program: Program,
    tokenizer: PreTrainedTokenizerBase,
    at: Callable[..., str],
) -> Encoded:
    """`rows`, and their copies behind them where `data.augment` says so.

    Raises:
        Problem: the rows are no texts with a label each, or the model has no table of words.
    """
    wanted = None if recipe.data is None else recipe.data.augment
    if wanted is None:
        return rows
    if type(rows) is not Encoded:
        what = "words are replaced in texts with a class or a number only"
        raise Problem(what, where=at("data", "augment"), hint="leave it out")
    tables = [program.tensor(n) for n, role in roles(program).items() if role == "embedding"]
    table = max(tables, key=len, default=None)
    if table is None or len(table) < len(tokenizer):
        what = "the model has no embedding for every word"
        raise Problem(what, where=at("data", "augment"), hint="leave it out")
    near = kept_neighbours(table, kinds(tokenizer, len(table)), wanted.nearest)
    return augmented(rows, near, copies=wanted.copies, share=wanted.share, seed=recipe.seed)
