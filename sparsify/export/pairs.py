"""Two sparse layers of which only the second reads the first, as one operator.

What lies between them, the widest tensor of a transformer, then never leaves the processor's cache.
"""

from __future__ import annotations

import onnx_ir as ir

from sparsify.export import portable
from sparsify.runtime.domains import DOMAIN

ACTIVATIONS = {suffix: name for name, suffix in portable.ACTIVATIONS.items()}


def join_pairs(model: ir.Model) -> None:
    """Make one operator of a sparse layer, its activation and the sparse layer behind it."""
    for second in list(model.graph):
        first = (
            second.inputs[0].producer() if second.domain == DOMAIN and second.inputs[0] else None
        )
        if first is None or first.domain != DOMAIN:
            continue
        for form, kind in portable.FORMS.items():
            only_reader = list(first.outputs[0].consumers()) == [second]
            if second.op_type == kind and first.op_type.startswith(kind) and only_reader:
                activation = ACTIVATIONS[first.op_type.removeprefix(kind)]
                _join(model, form, activation, first, second)


def _join(model: ir.Model, form: str, activation: str, first: ir.Node, second: ir.Node) -> None:
    opset = model.graph.opset_imports[""]
    for made in (portable.pair(form, activation, opset), portable.function(form, "", opset)):
        function = ir.serde.deserialize_function(made)
        model.functions[function.identifier()] = function
    node = ir.node(
        portable.PAIRS[form] + portable.ACTIVATIONS[activation],
        [*first.inputs, *second.inputs[1:]],
        {
            prefix + name: layer.attributes[name].as_ints()
            for prefix, layer in zip(portable.PAIR, (first, second), strict=True)
            for name in ("shape", "block")
        },
        domain=DOMAIN,
        name=second.name,
    )
    last, new = second.outputs[0], node.outputs[0]
    new.name, new.type, new.shape = last.name, last.type, last.shape
    model.graph.insert_before(second, node)
    ir.convenience.replace_all_uses_with(last, new, replace_graph_outputs=True)
    for old in (second, first):
        model.graph.remove(old, safe=True)
