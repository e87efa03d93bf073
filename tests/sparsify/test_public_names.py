from __future__ import annotations

import pkgutil

import pytest

import sparsify


@pytest.mark.parametrize("name", sparsify.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sparsify, name) is not None
    assert name in dir(sparsify)


def test_no_public_name_hides_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(sparsify.__path__)}
    assert not modules & set(sparsify.__all__)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prunify'"):
        _ = sparsify.prunify
