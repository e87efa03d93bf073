"""The metrics of a task, and the signs that a model has stopped telling its inputs apart."""

from sparsify.metrics.answers import ByAnswer, Window
from sparsify.metrics.judge import Judge
from sparsify.metrics.labels import COLLAPSED, ByLabel, collapsed, evaluate

__all__ = ["COLLAPSED", "ByAnswer", "ByLabel", "Judge", "Window", "collapsed", "evaluate"]
