"""Computes the `eval(...)` of old recipes: numbers, names and arithmetic, nothing else."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from sparsify.errors import Problem, nearest

Number = int | float
TWO: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
ONE: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "round": round,
}
LONGEST, HIGHEST = 500, 100
"""Characters of an expression, and its largest exponent: what no recipe needs is refused."""


def evaluate(text: str, values: Mapping[str, Any], *, where: str) -> Any:
    """The value of an expression over named values; a name alone may stand for anything.

    Raises:
        Problem: anything but numbers, known names, `+ - * / // % **`, brackets and the functions
            of `FUNCTIONS`.
    """
    if len(text) > LONGEST:
        raise Problem(f"an expression of {len(text)} characters is not read", where=where)
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise Problem(f"eval({text}) is no expression", where=where) from None
    try:
        return _value(body, values, where)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Problem(f"eval({text}): {error}", where=where) from None


def _value(node: ast.expr, values: Mapping[str, Any], where: str) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float()):
            return node.value
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Name(id=name):
            raise Problem(f"no variable named {name!r}", where=where, hint=nearest(name, values))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in ONE:
            return ONE[type(op)](_number(operand, values, where))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in TWO:
            first, second = _number(left, values, where), _number(right, values, where)
            if isinstance(op, ast.Pow) and abs(second) > HIGHEST:
                raise Problem(f"the exponent {second:g} is too large", where=where)
            return TWO[type(op)](first, second)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_number(each, values, where) for each in args))
        case _:
            raise Problem(
                f"eval({ast.unparse(node)}) is not computed: only arithmetic on numbers is",
                where=where,
                hint="write the value itself",
            )


def _number(node: ast.expr, values: Mapping[str, Any], where: str) -> Number:
    found = _value(node, values, where)
    if isinstance(found, bool) or not isinstance(found, Number):
        raise Problem(f"{ast.unparse(node)!r} is {found!r}, not a number", where=where)
    if isinstance(found, int) and abs(found) > 1e300:
        raise Problem(f"{ast.unparse(node)!r} is too large", where=where)
    return found
