"""Small pieces of Markdown: tables, keys of a recipe, sources as links."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from sparsify.view.catalog import type_words

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
DOI = re.compile(r"doi:(10\.\S+?)(?=[,.;)]?(?:\s|$))")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; bars inside cells are escaped."""
    lines = [list(header)]
    lines += [["---"] * len(lines[0])]
    lines += [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cited(text: str) -> str:
    """Sources as links."""
    text = ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    return DOI.sub(r"[doi:\1](https://doi.org/\1)", text)


def described(subject: object) -> str:
    """A docstring as Markdown: indented lines stay code, names of functions stay names."""
    return cited(plain(inspect.getdoc(subject) or ""))


def plain(text: str) -> str:
    """Text in which asterisks and underscores outside of code mean themselves."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"(?<!\*)([*_<])(?!\*)", r"\\\1", part)
        for part in parts
    )


def keys(schema: Mapping[str, Any]) -> str:
    """A table of recipe keys from a JSON Schema: name, type, default, meaning."""
    required = schema.get("required", [])
    rows = []
    for name, key in schema.get("properties", {}).items():
        default = value(key["default"]) if "default" in key else ""
        default = "required" if name in required else default
        rows.append((f"`{name}`", plain(type_words(key)), default, cited(told(key))))
    return table(("key", "type", "default", "meaning"), rows) if rows else "It takes no options.\n"


def told(key: Mapping[str, Any]) -> str:
    return " ".join(plain(str(key.get("description", ""))).split())


def value(default: Any) -> str:
    """A default as a recipe would say it."""
    if isinstance(default, dict | list):
        return f"`{json.dumps(default)}`"
    text: str = yaml.safe_dump(default).removesuffix("...\n").strip()
    return f"`{text}`" if default is not None else "none"
