"""A program as a folder: plain for transformers where it can be, with a manifest where not."""

from sparsify.saving.loading import is_saved, load, restored
from sparsify.saving.writing import save

__all__ = ["is_saved", "load", "restored", "save"]
