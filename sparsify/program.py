"""The program: an fx graph of aten calls, its tensors, and the inputs it was captured on."""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from sparsify.origin import Origin
from sparsify.plan import Plan

aten = torch.ops.aten
MASK = "_mask"
"""What the name of a weight's mask ends in: `q.weight` is masked by `q.weight_mask`."""
T = TypeVar("T")


@dataclass(frozen=True)
class Edit:
    """One surgery, recorded so that it can be done again to a fresh capture of the model."""

    kind: str
    what: Any
    """JSON: dicts, lists, strings and numbers."""


@dataclass
class Program:
    """What passes rewrite, what is trained, and what is exported."""

    module: fx.GraphModule
    """Callable with the inputs by name; its parameters are the captured model's own."""
    inputs: dict[str, Tensor]
    """Example inputs by name, as captured."""
    dynamic: dict[str, dict[int, str]] = field(default_factory=dict)
    """The dimensions of each input that may vary, named: `{"input_ids": {0: "batch"}}`."""
    plan: Plan = field(default_factory=Plan)
    """What training owes the passes that ran."""
    edits: list[Edit] = field(default_factory=list)
    """What surgery did to the shapes, in order."""
    origin: Origin = field(default_factory=Origin)
    """What capturing the model found out."""
    samples: tuple[Mapping[str, Tensor], ...] = ()
    """Batches to calibrate on: inputs by name, and `labels` where the data has them."""
    _facts: dict[object, tuple[int, Any]] = field(default_factory=dict, init=False, repr=False)

    @property
    def graph(self) -> fx.Graph:
        return self.module.graph

    @property
    def output(self) -> fx.Node:
        return self.graph.output_node()

    def clone(self) -> Program:
        """A program whose graph and tensors can be edited without touching this one.

        Sharing within the program (tied weights) is kept; the plan starts empty.
        """
        with warnings.catch_warnings():
            # torch's own copying asks its graphs in a way that it deprecates
            warnings.simplefilter("ignore", FutureWarning)
            module = copy.deepcopy(self.module)
        return Program(
            module,
            dict(self.inputs),
            dict(self.dynamic),
            origin=self.origin,
            samples=self.samples,
            edits=list(self.edits),
        )

    def remember(self, fact: Callable[[Program], T]) -> T:
        """`fact(self)`, computed anew only when the graph or a shape has changed."""
        shapes = [(name, tuple(value.shape)) for name, value in self.module.state_dict().items()]
        state = hash((str(self.graph), *shapes))
        if self._facts.get(fact, (None,))[0] != state:
            self._facts[fact] = (state, fact(self))
        found: T = self._facts[fact][1]
        return found

    def to(self, device: torch.device) -> None:
        """Move the tensors to `device`, in place, and the devices that tracing wrote into calls."""

        def moved(argument: Any) -> Any:
            return device if isinstance(argument, torch.device) else argument

        self.module.to(device)
        self.inputs = {name: value.to(device) for name, value in self.inputs.items()}
        self.samples = tuple(
            {name: value.to(device) for name, value in batch.items()} for batch in self.samples
        )
        for node in self.graph.nodes:
            node.args = fx.node.map_aggregate(node.args, moved)
            node.kwargs = fx.node.map_aggregate(node.kwargs, moved)
        self.module.recompile()

    def outputs(
        self, inputs: Mapping[str, Tensor] | None = None, *, gradients: bool = False
    ) -> list[Tensor]:
        """The output tensors in eval mode, detached, on `inputs` or the captured ones.

        With `gradients` they are computed as in training: only then does torch multiply by a
        parameter bit for bit as it does by a parameter's product with a mask.
        """
        training = self.module.training
        self.module.eval()
        try:
            with torch.set_grad_enabled(gradients):
                found = pytree.tree_leaves(self.module(**(inputs or self.inputs)))
        finally:
            self.module.train(training)
        return [value.detach() for value in found if isinstance(value, Tensor)]

    def tensor(self, name: str) -> Tensor:
        """The parameter or buffer called `name`."""
        owner, _, leaf = name.rpartition(".")
        found: Tensor = getattr(self.module.get_submodule(owner), leaf)
        return found

    def effective(self, name: str) -> Tensor:
        """A weight as products see it: times its mask, where it has one."""
        weight = self.tensor(name).detach()
        nodes = (each for each in self.graph.find_nodes(op="get_attr") if each.target == name)
        masked = any(self.masked(node) is not None for node in nodes)
        return weight * self.tensor(f"{name}{MASK}") if masked else weight

    def parameter_count(self) -> int:
        """How many numbers the program can learn; tied weights count once."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def masks(self) -> dict[str, Tensor]:
        """Weight name -> its 0/1 mask, for every masked weight, in graph order."""
        return {
            str(node.target): self.tensor(f"{node.target}{MASK}")
            for node in self.parameters()
            if self.masked(node) is not None
        }

    def parameters(self) -> Iterator[fx.Node]:
        """The `get_attr` nodes of parameters, in graph order."""
        for node in self.graph.find_nodes(op="get_attr"):
            if isinstance(self._attribute(node), nn.Parameter):
                yield node

    def masked(self, weight: fx.Node) -> fx.Node | None:
        """The node `weight * mask`, or None while `weight` is dense."""
        for user in weight.users:
            if user.target is aten.mul.Tensor and user.args[0] is weight:
                other = user.args[1]
                if isinstance(other, fx.Node) and other.target == f"{weight.target}{MASK}":
                    return user
        return None

    def mask(self, weight: fx.Node, users: list[fx.Node]) -> fx.Node:
        """Put `weight * mask`, with a new mask of ones, where `users` read `weight`."""
        name = f"{weight.target}{MASK}"
        owner, _, leaf = name.rpartition(".")
        ones = torch.ones_like(self.tensor(str(weight.target)), requires_grad=False)
        self.module.get_submodule(owner).register_buffer(leaf, ones)
        with self.graph.inserting_after(weight):
            mask = self.graph.get_attr(name)
        with self.graph.inserting_after(mask):
            product = self.graph.create_node(
                "call_function", aten.mul.Tensor, (weight, mask), name="masked"
            )
        for node in (mask, product):
            node.meta = {key: weight.meta[key] for key in ("val",) if key in weight.meta}
        for user in users:
            user.replace_input_with(weight, product)
        return product

    def unmask(self, weight: fx.Node) -> None:
        """Fold the mask of `weight` into it, and remove the product and the mask."""
        product = self.masked(weight)
        assert product is not None, f"{weight.target} is not masked"
        mask = product.args[1]
        assert isinstance(mask, fx.Node)
        tensor = self.tensor(str(weight.target))
        # into the memory of the mask, which goes: that of a weight may be a file's, still unread
        tensor.data = self.tensor(str(mask.target)).detach().mul_(tensor.detach())
        product.replace_all_uses_with(weight)
        self.graph.erase_node(product)
        self.graph.erase_node(mask)
        owner, _, leaf = str(mask.target).rpartition(".")
        delattr(self.module.get_submodule(owner), leaf)

    def _attribute(self, node: fx.Node) -> Any:
        return operator.attrgetter(str(node.target))(self.module)
