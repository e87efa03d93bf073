"""Plugins: what is installed is found, once."""

from __future__ import annotations

from sparsify import plugins
from sparsify.pipeline import Pass


def test_plugins_are_loaded_once_and_registered() -> None:
    assert "passes" in plugins.load()
    assert plugins.load() is plugins.load()
    assert "clean" in Pass.known
