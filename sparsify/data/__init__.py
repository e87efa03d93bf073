"""Labelled text: where it comes from, and how it becomes batches."""

from sparsify.data.batches import Encoded, batches_by_length, collate, encode
from sparsify.data.loading import load
from sparsify.data.text import Dataset, Split

__all__ = ["Dataset", "Encoded", "Split", "batches_by_length", "collate", "encode", "load"]
