"""The model to start from, with its configuration and tokenizer, and inputs that fit it."""

from sparsify.models.facts import TEXT
from sparsify.models.heads import Wanted
from sparsify.models.inputs import example_inputs, sequence_limit
from sparsify.models.loading import load_model
from sparsify.models.source import Source

__all__ = ["TEXT", "Source", "Wanted", "example_inputs", "load_model", "sequence_limit"]
