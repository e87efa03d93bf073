"""Plugins for tests: the one of the documentation, and some that are wrong in one way."""

from __future__ import annotations

import re
from pathlib import Path

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
