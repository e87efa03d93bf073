"""The model to start from, with its configuration and tokenizer, and inputs that fit it."""

from sparsify.models.inputs import example_inputs, input_names, sequence_limit
from sparsify.models.loading import load_model
from sparsify.models.source import Source

__all__ = ["Source", "example_inputs", "input_names", "load_model", "sequence_limit"]
