"""Values from the middle of a program equal those of the model itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.opened import Opened
from sparsify.outputs import output_names
from sparsify.taps import TAPS, tapped
from sparsify.text import to_text
from tests.sparsify.analysis.architectures import MAKE
from tests.sparsify.analysis.architectures import captured as architecture
from tests.sparsify.programs import ENCODERS, EVERY, Tied, Toy, pair, program, ran


def classifier(module: Any) -> nn.Module:
    """What turns the pooled representation into logits."""
    head = getattr(module, "classifier", None) or module.head
    found: nn.Module = getattr(head, "out_proj", head)
    return found


def by_hand(module: Any, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The taps of an eager model, by hooks and `output_hidden_states`."""
    seen: list[Tensor] = []
    hook = classifier(module).register_forward_hook(lambda _m, args, _o: seen.append(args[0]))
    module.eval()
    with torch.no_grad():
        if hasattr(module, "config"):
            found = module(**inputs, output_hidden_states=True)
            logits, hidden = found.logits, found.hidden_states[-1]
        else:
            states: list[Tensor] = []
            inner = module.encoder.layers[-1].norm2.register_forward_hook(
                lambda _m, _a, out: states.append(out)
            )
            # gradients keep torch from its fused path, which calls no submodule
            with torch.enable_grad():
                logits = module(**inputs).detach()
            hidden = states[0].detach()
            inner.remove()
    hook.remove()
    mask = inputs["attention_mask"].unsqueeze(-1).float()
    return {
        "logits": logits,
        "pooled": seen[0].detach(),
        "hidden": hidden,
        "cls": hidden[:, 0],
        "mean": (hidden * mask).sum(1) / mask.sum(1),
    }


@pytest.mark.parametrize("kind", EVERY)
def test_taps_equal_the_eager_models_values(kind: str) -> None:
    module, found = pair(kind)
    inputs = at_sizes(found.inputs, found.dynamic, {"batch": 3, "sequence": 7}, seed=2)
    expected = by_hand(module, inputs)
    reader = tapped(found, list(expected)).eval()
    values = reader(**inputs)
    assert list(values) == list(expected) == [name for name in TAPS if "<i>" not in name]
    for name, value in values.items():
        torch.testing.assert_close(value, expected[name], atol=2e-6, rtol=0, msg=name)


@pytest.mark.parametrize("kind", EVERY)
def test_tapping_leaves_the_program_as_it_is(kind: str) -> None:
    found = program(kind)
    before, outputs = to_text(found), found.outputs()
    reader = tapped(found, ["mean", "pooled"])
    assert to_text(found) == before
    assert all(torch.equal(a, b) for a, b in zip(outputs, found.outputs(), strict=True))
    assert reader.training == found.module.training
    own = dict(found.module.named_parameters())
    assert all(parameter is own[name] for name, parameter in reader.named_parameters())


def test_a_tapped_program_sees_the_masks_and_their_changes() -> None:
    found = ran("bert", InsertMasks())
    reader = tapped(found, ["logits"]).eval()
    before = reader(**found.inputs)["logits"]
    for mask in found.masks().values():
        mask.zero_()
    after = reader(**found.inputs)["logits"]
    assert not torch.equal(before, after)
    assert torch.equal(after, found.outputs()[0])


def test_what_is_not_asked_for_is_not_computed() -> None:
    found = program("bert")
    assert len(tapped(found, ["cls"]).graph.nodes) < len(tapped(found, ["logits"]).graph.nodes)


def test_the_mean_of_a_model_without_a_mask_is_over_all_tokens() -> None:
    found = program(Tied)
    values = tapped(found, ["hidden", "mean"]).eval()(**found.inputs)
    torch.testing.assert_close(values["mean"], values["hidden"].mean(1))


@pytest.mark.parametrize("kind", ENCODERS)
def test_outputs_have_the_names_of_their_fields(kind: str) -> None:
    assert output_names(pair(kind)[1]) == ["logits"]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (Tied, "pooled", "the model has no pooled representation; use `cls` or `mean`"),
        (Toy, "mena", "no tap named 'mena'; did you mean 'mean'?"),
        (Toy, "hidden.one", "no tap named 'hidden.one'; did you mean 'hidden'?"),
        (Toy, "hidden.0", "the model has no hidden.0; no layer was found in it"),
    ],
)
def test_a_value_that_is_not_there_is_a_mistake(
    kind: type[nn.Module], name: str, said: str
) -> None:
    with pytest.raises(Problem) as caught:
        tapped(program(kind), [name])
    assert str(caught.value) == said


def test_a_model_without_tokens_has_no_hidden_state() -> None:
    from sparsify.capture import capture

    found = capture(nn.Linear(3, 2), {"input": torch.randn(2, 3)}, {"input": {0: "batch"}})
    with pytest.raises(Problem, match=r"^the model has no hidden state of shape \[batch, tokens"):
        tapped(found, ["hidden"])
    assert list(tapped(found, ["pooled", "logits"])(**found.inputs)) == ["pooled", "logits"]


INNER = {
    # whether the state after a stack's last layer is also what the model reports, not its norm
    "bert / sequence-classification": True,
    "deberta-v2 / sequence-classification": True,
    "gpt2 / causal-lm": False,
    "opt / causal-lm": False,
    "llama / causal-lm": False,  # key-value groups, boolean mask
    "bloom / causal-lm": False,  # attention written out
    "mixtral / causal-lm": False,
    "t5 / seq2seq-lm": False,  # a mask of numbers, cross-attention
    "bart / sequence-classification": True,  # token ids written in place
    "vit / image-classification": True,
    "wav2vec2 / audio-classification": True,
}


def states(found: Any, *names: str) -> list[Tensor]:
    return [value for name in names for value in found.get(name) or ()]


@pytest.mark.parametrize("name", INNER)
def test_states_and_probabilities_of_every_layer_equal_those_of_the_model(name: str) -> None:
    _, found = architecture(name)
    inputs = at_sizes(found.inputs, found.dynamic, {"batch": 3, "sequence": 9}, seed=2)
    model = MAKE[name]().eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        out = model(**inputs, output_hidden_states=True, output_attentions=True)
    sides = ("", "encoder_", "decoder_")
    hidden = states(out, *(f"{side}hidden_states" for side in sides))
    weights = states(out, *(f"{side}attentions" for side in sides), "cross_attentions")
    wanted = [f"hidden.{i}" for i in range(len(hidden))]
    wanted += [f"{kind}.{i}" for kind in ("attention", "scores") for i in range(len(weights))]
    values = tapped(found, [*wanted, "logits"]).eval()(**inputs)
    torch.testing.assert_close(values["logits"], out.logits, atol=1e-5, rtol=1e-5)
    last = len(hidden) // (2 if "decoder_hidden_states" in out else 1)
    for i, state in enumerate(hidden):
        if INNER[name] or (i + 1) % last:
            torch.testing.assert_close(values[f"hidden.{i}"], state, atol=1e-5, rtol=1e-5)
    for i in range(len(weights)):
        seen = values[f"attention.{i}"]
        near = min((seen - w).abs().max().item() for w in weights if w.shape == seen.shape)
        assert near < 1e-6
        softmax = values[f"scores.{i}"].softmax(-1)
        torch.testing.assert_close(softmax, seen, atol=1e-6, rtol=0)


@pytest.mark.parametrize("options", [
    {}, {"is_causal": True}, {"scale": 0.3}, {"enable_gqa": True},
    {"attn_mask": torch.rand(5, 7) > 0.5}, {"attn_mask": torch.randn(5, 7)},
    {"attn_mask": torch.zeros(5, 7, dtype=torch.bool)},
])  # fmt: skip
def test_attention_written_out_equals_attention_in_one(options: dict[str, Any]) -> None:
    groups = 2 if "enable_gqa" in options else 4
    query = torch.randn(2, 4, 5, 8, requires_grad=True)
    key, value = (torch.randn(2, groups, 7, 8, requires_grad=True) for _ in range(2))
    result, scores, probabilities = Opened(0.0)(query, key, value, **options)
    expected = nn.functional.scaled_dot_product_attention(query, key, value, **options)
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)
    assert scores.isfinite().all()
    assert probabilities.shape == scores.shape == (2, 4, 5, 7)
    for one, other in zip(
        torch.autograd.grad(result.square().sum(), (query, key, value)),
        torch.autograd.grad(expected.square().sum(), (query, key, value)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_tapped_attention_drops_while_training_only() -> None:
    found = program("bert")
    reader = tapped(found, ["logits", "attention.0"])
    reader.train()
    first, second = (reader(**found.inputs)["logits"] for _ in range(2))
    assert not torch.equal(first, second)
    reader.eval()
    values = reader(**found.inputs)
    assert torch.equal(values["logits"], reader(**found.inputs)["logits"])
    torch.testing.assert_close(values["attention.0"].sum(-1), torch.ones(1).expand(2, 2, 12))


def test_the_outputs_of_two_towers_have_names() -> None:
    names = output_names(architecture("clip / no-head")[1])
    assert names[0] == "logits_per_image"
    assert "text_model_output_last_hidden_state" in names
