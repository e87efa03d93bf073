"""What MkDocs calls: adds the generated pages and pictures, and the part of the menu they fill."""

from __future__ import annotations

import os
from typing import Any

from mkdocs.structure.files import File, Files

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from docs.generate import site


def on_config(config: Any) -> Any:
    config.nav = [*config.nav, *site.menu()]
    return config


def on_files(files: Files, config: Any) -> Files:
    for path, content in site.pages().items():
        files.append(File.generated(config, path, content=content))
    return files
