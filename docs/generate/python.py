"""The page of every public name of the package, from its docstrings."""

from __future__ import annotations

import inspect

import sparsify

ABOUT = """# Python

Everything that `import sparsify` offers. Names are imported when they are first used, so that the
command line starts without torch.

"""


def page() -> str:
    return ABOUT + "\n".join(entry(name) for name in sparsify.__all__ if name != "__version__")


def entry(name: str) -> str:
    """What mkdocstrings reads: the place where a name is defined."""
    found = getattr(sparsify, name)
    home = found.__name__ if inspect.ismodule(found) else f"{found.__module__}.{found.__qualname__}"
    return (
        f"## `sparsify.{name}`\n\n::: {home}\n    options:\n      show_root_heading: false\n"
        "      show_root_toc_entry: false\n      heading_level: 3\n"
    )
