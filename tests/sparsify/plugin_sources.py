"""Plugins for tests: the one of the documentation, and some that are wrong in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparsify import plugin_files
from sparsify.kinds import Member

PAGE = Path(__file__).parent.parent.parent / "docs" / "writing-a-pass.md"
DOCUMENTED = re.findall(r"```python.*?\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
"""The first snippet of docs/writing-a-pass.md."""
RECIPE = re.findall(r"```yaml.*?\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]

WRONG = {
    "broken.py": "from sparsify import Pass\n\nclass X(Pass)\n    pass\n",
    "clash.py": (
        "from sparsify import Pass, Program, Report\n\n"
        "class Prune(Pass):\n"
        "    def run(self, program: Program) -> Report:\n"
        "        return Report()\n"
    ),
    "criterion_clash.py": (
        "from sparsify.kinds import criterion\n\n@criterion\ndef wanda(weight):\n    return 1\n"
    ),
    "empty.py": "x = 1\n",
    "fails.py": "import os\n\nos.no_such_thing\n",
    "missing_import.py": "import no_such_package\n",
}


@contextmanager
def without_plugins() -> Iterator[None]:
    """No file is loaded before, and what is loaded inside is forgotten."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    for registry in plugin_files.registries():
        for name, each in list(registry.items()):
            owner = each.function if isinstance(each, Member) else each
            if owner.__module__ in plugin_files._loaded:
                del registry[name]
    plugin_files._loaded.clear()
