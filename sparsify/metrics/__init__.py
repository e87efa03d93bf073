"""The metrics of a task, and the signs that a model has stopped telling its inputs apart."""

from sparsify.metrics.answers import ByAnswer, Window
from sparsify.metrics.entities import ByTag
from sparsify.metrics.judge import Judge
from sparsify.metrics.labels import COLLAPSED, ByLabel, collapsed, evaluate
from sparsify.metrics.words import ByWord

__all__ = [
    "COLLAPSED",
    "ByAnswer",
    "ByLabel",
    "ByTag",
    "ByWord",
    "Judge",
    "Window",
    "collapsed",
    "evaluate",
]
