"""Masks of ones: gradients of what is pruned are zero, everything else stays dense."""

from __future__ import annotations

import pytest
import torch

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.pipeline import apply
from tests.sparsify.analysis.architectures import program as architecture
from tests.sparsify.programs import Tied, program, ran


def test_by_default_the_body_is_masked_and_the_rest_explained() -> None:
    found = program("bert")
    (step,) = apply([InsertMasks()], found)
    assert list(found.masks()) == list(step.report.did)
    assert len(found.masks()) == 12
    assert step.report.facts == {"masked_weights": 12, "masked_parameters": 16384}
    left = step.report.left
    assert left["classifier.weight"] == "no target (head)"
    assert left["bert.embeddings.word_embeddings.weight"] == ("a table that is looked up by index")
    assert left["classifier.bias"] == "a bias"
    assert step.report.did["bert.encoder.layer.0.intermediate.dense.weight"] == (
        "masked, 2,048 weights"
    )
    assert step.report.did.keys() | left.keys() == dict(found.module.named_parameters()).keys()


def test_what_is_masked_already_is_left() -> None:
    found = ran("bert", InsertMasks())
    (step,) = apply([InsertMasks(targets=["body", "pooler", "head"])], found)
    assert sorted(step.report.did) == ["bert.pooler.dense.weight", "classifier.weight"]
    assert list(step.report.left.values()).count("already masked") == 12


@pytest.mark.parametrize("kind", ["bert", "albert", "plain"])
def test_the_gradient_of_a_pruned_weight_is_exactly_zero(kind: str) -> None:
    found = ran(kind, InsertMasks())
    masks = found.masks()
    for mask in masks.values():
        mask.copy_(torch.rand_like(mask) > 0.5)
    found.module.train()
    outputs = found.module(**found.inputs)
    logits = outputs if isinstance(outputs, torch.Tensor) else outputs["logits"]
    logits.pow(2).sum().backward()
    for name, mask in masks.items():
        gradient = found.tensor(name).grad
        assert gradient is not None
        assert not gradient[mask == 0].any(), name
        assert gradient[mask == 1].any(), name


def test_the_look_up_in_a_tied_table_stays_dense() -> None:
    found = ran(Tied, InsertMasks(targets=["words.weight"]))
    (table,) = [node for node in found.parameters() if node.target == "words.weight"]
    readers = {str(user.target) for user in table.users}
    assert readers == {"aten.embedding.default", "aten.mul.Tensor"}
    found.masks()["words.weight"].zero_()
    assert not found.outputs()[0].any()
    assert found.tensor("words.weight").any()


def test_targets_that_bear_no_product_are_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        apply([InsertMasks(targets=["embedding"])], program("bert"))
    assert str(caught.value).startswith(
        "passes[0]: targets: 'embedding' matches no parameter; "
        "the roles here are attention, ffn, head, pooler;"
    )


def test_a_role_or_a_group_of_roles_is_a_target() -> None:
    masked = ran("bert", InsertMasks(targets=["attention", "ffn.down"])).masks()
    assert len(masked) == 2 * 5
    assert not any("intermediate" in name for name in masked)


def test_parameters_that_forward_does_not_read_are_named_too() -> None:
    found = architecture("xlnet / sequence-classification").clone()
    (step,) = apply([InsertMasks()], found)
    assert step.report.left["transformer.mask_emb"] == "not read by forward"
    assert "transformer.layer.0.rel_attn.q" in step.report.did


def test_experts_are_masked_before_a_token_picks_one() -> None:
    found = architecture("mixtral / causal-lm").clone()
    apply([InsertMasks(targets=["ffn"])], found)
    name = "model.layers.0.mlp.experts.down_proj"
    found.masks()[name].zero_()
    assert not torch.equal(found.outputs()[0], architecture("mixtral / causal-lm").outputs()[0])
    assert set(found.masks()) == {
        f"model.layers.{i}.mlp.experts.{part}_proj" for i in (0, 1) for part in ("gate_up", "down")
    }


def test_zeros_of_a_sparse_model_can_stay_zero() -> None:
    found = program("bert")
    name = "bert.encoder.layer.0.output.dense.weight"
    with torch.no_grad():
        found.tensor(name)[:, ::2] = 0
    (step,) = apply([InsertMasks(keep_zeros=True)], found)
    assert torch.equal(found.masks()[name], (found.tensor(name) != 0).float())
    assert step.report.did[name] == "masked, 2,048 weights, 1,024 of them zero for good"
