"""Trackers that a recipe reports to: known to transformers, installed, and told where to write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparsify.errors import Problem, unknown
from sparsify.schema import Loaded

FOLDER = "TENSORBOARD_LOGGING_DIR"
"""The variable in which TensorBoard's callback looks for its folder."""


def require_trackers(loaded: Loaded) -> None:
    """Hold `train.report_to` to what there is, before anything takes long.

    Raises:
        Problem: transformers knows no such tracker, or it is not installed.
    """
    from transformers.integrations import integration_utils as known

    train = loaded.recipe.train
    for place, name in enumerate(train.report_to if train else ()):
        where = loaded.at("train", "report_to", place)
        if name not in known.INTEGRATION_TO_CALLBACK:
            raise unknown("tracker", name, known.INTEGRATION_TO_CALLBACK, where=where)
        try:
            known.INTEGRATION_TO_CALLBACK[name]()
        except (RuntimeError, ImportError, AssertionError):
            what = f"the tracker {name!r} is not installed"
            raise Problem(what, where=where, hint=f"pip install {name}") from None


@contextmanager
def tracking(folder: Path) -> Iterator[None]:
    """Let TensorBoard write to `folder`, unless the user has named another one."""
    if FOLDER in os.environ:
        yield
        return
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[FOLDER]
