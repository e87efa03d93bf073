"""Concrete sizes and small integers of a program, at the shapes it was captured on."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.program import Program, aten

Shape = tuple[int, ...]


class Unsized(Exception):
    """A size depends on values that only a run knows."""


class Sizes:
    """Reads `meta['val']` with symbols replaced by the sizes of the example inputs."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[Any, int] = {}
        self._symbols: dict[Any, int] = {}
        self._values: dict[fx.Node, Tensor | None] = {}
        for node in program.graph.find_nodes(op="placeholder"):
            for size, real in zip(node.meta["val"].shape, self._example(node).shape, strict=True):
                if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol:
                    self._symbols[size.node.expr] = int(real)

    def shape(self, node: fx.Node) -> Shape:
        """The size of each dimension of a tensor.

        Raises:
            Unsized: a size depends on values.
        """
        if node.op == "get_attr":
            return tuple(self._program.tensor(str(node.target)).shape)
        return self.of(node.meta["val"])

    def shapes(self, node: fx.Node) -> list[Shape]:
        """Those of a value that is several tensors."""
        return [self.of(each) for each in node.meta["val"]]

    def of(self, value: Any) -> Shape:
        return tuple(self.size(size) for size in value.shape)

    def size(self, size: Any) -> int:
        """An integer for what may be a symbol."""
        if isinstance(size, int):
            return size
        expression = size.node.expr
        if expression not in self._known:
            found = expression.subs(self._symbols)
            if not found.is_number:
                raise Unsized(str(expression))
            self._known[expression] = int(found)
        return self._known[expression]

    def arguments(self, argument: Any) -> Any:
        """Arguments of a call with integers in place of nodes that compute sizes."""
        return fx.node.map_aggregate(argument, self._argument)

    def value(self, node: fx.Node) -> Tensor | None:
        """What an integer or boolean tensor holds, if no parameter takes part in it."""
        if node not in self._values:
            self._values[node] = self._compute(node)
        return self._values[node]

    def bind(self, node: fx.Node) -> None:
        """Learn sizes that depend on values, where those come from integers that are known."""
        value = node.meta.get("val")
        if isinstance(value, torch.SymInt):
            source = node.args[0] if node.args else None
            if self._is_new(value) and isinstance(source, fx.Node):
                found = self.value(source)
                if found is not None:
                    self._symbols[value.node.expr] = int(found)
        elif isinstance(value, Tensor) and any(self._is_new(size) for size in value.shape):
            found = self.value(node)
            if found is None and isinstance(node.target, torch._ops.OpOverload):
                found = self._without_values(node)
            sizes: list[Any] = list(value.shape)
            for size, real in zip(sizes, sizes if found is None else found.shape, strict=True):
                if found is not None and self._is_new(size):
                    self._symbols[size.node.expr] = int(real)

    def _is_new(self, size: Any) -> bool:
        """Whether a size is a symbol of which nothing is known yet."""
        if not isinstance(size, torch.SymInt):
            return False
        return bool(size.node.expr.is_Symbol) and size.node.expr not in self._symbols

    def _without_values(self, node: fx.Node) -> Tensor | None:
        """What a call gives when only the shapes of its operands are known."""

        def known(argument: Any) -> Any:
            if not isinstance(argument, fx.Node):
                return argument
            dtype = argument.meta["val"].dtype
            found = self.value(argument)
            return (
                torch.zeros((), dtype=dtype).expand(self.shape(argument))
                if found is None
                else found
            )

        args, kwargs = fx.node.map_aggregate(self.arguments((node.args, node.kwargs)), known)
        assert callable(node.target)
        try:
            found = node.target(*args, **kwargs)
        except (RuntimeError, NotImplementedError):
            return None
        return found if isinstance(found, Tensor) else None

    def _argument(self, argument: Any) -> Any:
        if not isinstance(argument, fx.Node):
            return argument
        value = argument.meta.get("val")
        return self.size(value) if isinstance(value, int | torch.SymInt) else argument

    def _compute(self, node: fx.Node) -> Tensor | None:
        if node.op == "placeholder":
            return _readable(self._example(node))
        if node.op == "get_attr":
            return _readable(operator.attrgetter(str(node.target))(self._program.module))
        if not _is_pure(node):
            return None
        inputs = {each: self.value(each) for each in node.all_input_nodes if _is_tensor(each)}
        if any(each is None for each in inputs.values()):
            return None

        def known(argument: Any) -> Any:
            return inputs.get(argument, argument) if isinstance(argument, fx.Node) else argument

        args, kwargs = fx.node.map_aggregate(self.arguments((node.args, node.kwargs)), known)
        assert callable(node.target)
        found = node.target(*args, **kwargs)
        return found if isinstance(found, Tensor) else None

    def _example(self, node: fx.Node) -> Tensor:
        return self._program.inputs[str(node.target)]


def _is_pure(node: fx.Node) -> bool:
    """Whether the node computes one tensor from its arguments alone, and leaves those alone."""
    if not isinstance(node.meta.get("val"), Tensor):
        return False
    if isinstance(node.target, torch._ops.OpOverload) and node.target is not aten.detach_.default:
        return not node.target._schema.is_mutable
    return node.target in (operator.getitem, aten.detach_.default)


def _is_tensor(node: fx.Node) -> bool:
    return not isinstance(node.meta.get("val"), int | torch.SymInt)


def _readable(value: object) -> Tensor | None:
    """A tensor of integers that is really there."""
    if not isinstance(value, Tensor) or value.is_meta or value.is_floating_point():
        return None
    return value
