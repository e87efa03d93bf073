"""The training driver: a Hugging Face Trainer that does the duties of the passes."""

from sparsify.training.driver import train
from sparsify.training.session import Session

__all__ = ["Session", "train"]
