"""What calibration measures: the inputs of every weight, and the gradients of the task's loss."""

from sparsify.statistics.gradients import gradients, mean_gradients, unit_gradients
from sparsify.statistics.inputs import Inflow, inflows, input_norms, unmeasured
from sparsify.statistics.pairs import Pair, pairs
from sparsify.statistics.samples import count, samples

__all__ = [
    "Inflow",
    "Pair",
    "count",
    "gradients",
    "inflows",
    "input_norms",
    "mean_gradients",
    "pairs",
    "samples",
    "unit_gradients",
    "unmeasured",
]
