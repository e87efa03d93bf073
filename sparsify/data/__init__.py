"""Text for a task: where it comes from, and how it becomes batches."""

from sparsify.data.batches import Encoded, batches_by_length, collate, encode
from sparsify.data.encoder import Encoder
from sparsify.data.loading import load
from sparsify.data.text import Dataset, Documents, Questions, Rows, Sentences, Split

__all__ = [
    "Dataset", "Documents", "Encoded", "Encoder", "Questions", "Rows", "Sentences", "Split",
    "batches_by_length", "collate", "encode", "load",
]  # fmt: skip
