"""What each parameter is for, and which of them a recipe's targets mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.leftovers import leftover
from sparsify.analysis.parts import attention_parts, ffn_parts
from sparsify.analysis.products import feeds_another, is_convolution, is_tokenwise
from sparsify.errors import Problem
from sparsify.program import Program

ROLES = {
    "attention.query": "makes the queries of attention",
    "attention.key": "makes its keys, or those of positions",
    "attention.value": "makes its values",
    "attention.qkv": "makes several of these in one weight",
    "attention.output": "reads what attention returns",
    "cross-attention.query": "makes the queries where keys and values are of another stream",
    "cross-attention.key": "makes keys of another stream, as of the encoder",
    "cross-attention.value": "makes values of another stream",
    "cross-attention.qkv": "makes several of these in one weight",
    "cross-attention.output": "reads what such attention returns",
    "ffn.up": "reads the stream for an FFN or an expert; also gate and up in one weight",
    "ffn.gate": "passes the activation and multiplies what `ffn.up` makes",
    "ffn.down": "makes what an FFN or an expert adds to the stream",
    "router": "decides how much each expert counts",
    "convolution": "is spread over several places of its input: patches, stretches of sound",
    "projection": "another product at every token that feeds a further product",
    "pooler": "a product once for each example that feeds a further product",
    "head": "a product that gives the output",
    "embedding": "a table that is looked up by index",
    "embedding.position": "a table whose index counts places, or that is added whole",
    "vector": "a bias, or the scale or shift of a normalisation",
    "other": "none of these",
}
"""Role -> what the parameter does; recipe targets may name them."""

GROUPS = {
    "attention": "every role that begins with `attention.`",
    "cross-attention": "every role that begins with `cross-attention.`",
    "ffn": "every role that begins with `ffn.`",
    "body": "all of these, `router`, `convolution` and `projection`: products at every token",
}
"""Name of several roles -> which; `embedding` as a target means both of its roles."""

BODY = {"attention", "cross-attention", "ffn", "router", "convolution", "projection"}
OUTWARD = ("projection", "convolution", "pooler", "head")
"""Roles by place alone, the nearer to the output the later."""


def roles(program: Program) -> dict[str, str]:
    """Parameter name -> role, for every parameter of the program, in graph order."""
    anatomy = program.remember(Anatomy)
    known = {**_elsewhere(anatomy), **ffn_parts(anatomy), **attention_parts(anatomy)}
    found: dict[str, str] = {}
    for node in program.parameters():
        name, rest = str(node.target), leftover(anatomy, node)
        # a table that gives the output as well goes by what it is looked up for
        if rest is not None and (name not in known or rest.role.startswith("embedding")):
            found[name] = rest.role
        else:
            found[name] = known[name]
    return found


def group(role: str) -> str:
    """The first part of a role's name: `attention` of `attention.query`."""
    return role.partition(".")[0]


def _elsewhere(anatomy: Anatomy) -> dict[str, str]:
    """Weight -> role, as if there were no attention and no FFN."""
    found: dict[str, str] = {}
    for use in anatomy.products.values():
        if not feeds_another(use, anatomy.products.keys() - {use.node}):
            role = "head"
        elif not is_tokenwise(anatomy.program, use):
            role = "pooler"
        else:
            role = "convolution" if is_convolution(use) else "projection"
        # a weight that is used twice, once as a head, must keep what the head needs
        found[use.weight] = max(role, found.get(use.weight, role), key=OUTWARD.index)
    return found


def select(known: Mapping[str, str], targets: Sequence[str], *, where: str = "") -> list[str]:
    """The names among `known` (name -> role) that any of `targets` means, in the order of `known`.

    A target is a role, a group of roles, a glob on names, or `re:` and a regular expression for
    the whole name.

    Raises:
        Problem: a target means nothing at all; the message has the nearest name.
    """
    chosen: set[str] = set()
    for target in targets:
        names = {name for name, role in known.items() if _means(target, name, role, where)}
        if not names:
            raise Problem(
                f"{target!r} matches no parameter", where=where, hint=_towards(target, known)
            )
        chosen |= names
    return [name for name in known if name in chosen]


def _means(target: str, name: str, role: str, where: str) -> bool:
    if target.startswith("re:"):
        try:
            return re.fullmatch(target[3:], name) is not None
        except re.error as error:
            raise Problem(f"{target!r} is no regular expression: {error}", where=where) from None
    return target in _words(role) or fnmatchcase(name, target)


def _words(role: str) -> list[str]:
    """The targets that mean the role: itself, its group, and the body."""
    return [role, group(role), *(["body"] if group(role) in BODY else [])]


def _towards(target: str, known: Mapping[str, str]) -> str:
    """A hint: the nearest role, or the nearest part of a name to a part that no name has."""
    backwards = list(known.items())[::-1]  # the first that fits is the example
    words = {word: name for name, role in backwards for word in _words(role)}
    parts = {part: name for name, _ in backwards for part in name.split(".")}
    if close := difflib.get_close_matches(target, sorted(words), n=1):
        return f"did you mean {close[0]!r}, as in {words[close[0]]!r}?"
    for word in re.split(r"[^\w-]+", target.removeprefix("re:")):
        close = difflib.get_close_matches(word, [*words, *parts], n=1)
        if word and word not in parts and close:
            found = words.get(close[0]) or parts[close[0]]
            return f"did you mean {close[0]!r}, as in {found!r}?"
    here = sorted({group(role) for role in known.values()})
    return f"the roles here are {', '.join(here)}; a name is {next(iter(known), '')!r}"
