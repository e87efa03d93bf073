"""What computes attention while training."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from sparsify.training.reading import attention


@pytest.mark.parametrize(
    ("precision", "fused"), [("fp32", True), ("bf16", False)], ids=["fp32", "bf16"]
)
def test_on_a_processor_bf16_attention_is_plain_products(precision: str, fused: bool) -> None:
    """The fused kernel of torch goes backwards several times more slowly in bf16."""
    queries = torch.randn(1, 2, 4, 8, requires_grad=True)
    with attention(torch.device("cpu"), precision):
        made = scaled_dot_product_attention(queries, queries, queries)
    assert made.grad_fn is not None
    assert ("Flash" in made.grad_fn.name()) is fused
