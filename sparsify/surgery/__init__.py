"""Surgery: smaller tensors, fewer layers, and a graph that computes the same with them."""

from sparsify.surgery.bypass import bypass
from sparsify.surgery.make_constant import make_constant
from sparsify.surgery.narrow import narrow
from sparsify.surgery.replay import replay

__all__ = ["bypass", "make_constant", "narrow", "replay"]
