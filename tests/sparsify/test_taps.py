"""Values from the middle of a program equal those of the model itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.taps import TAPS, output_names, tapped
from sparsify.text import to_text
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
    assert expected.keys() == TAPS.keys()
    reader = tapped(found, list(TAPS)).eval()
    values = reader(**inputs)
    assert list(values) == list(TAPS)
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
        (Tied, "pooled", "the model has no pooled representation; use `hidden` or `mean`"),
        (Toy, "mena", "no tap named 'mena'; did you mean 'mean'?"),
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
