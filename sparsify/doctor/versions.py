"""Python and the packages that this one asks for, held to what it asks."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from sparsify.doctor.finding import Finding

PACKAGE = "sparsify-fx"


def versions() -> Iterator[Finding]:
    yield Finding(name="python", value=platform.python_version())
    yield Finding(name=PACKAGE, value=metadata.version(PACKAGE))
    for text in metadata.requires(PACKAGE) or []:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield held(wanted)


def held(wanted: Requirement) -> Finding:
    """The version of one package, and whether it is one that was asked for."""
    cure = f'pip install "{wanted}"'
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        wrong = f"{wanted.name} is not installed"
        return Finding(name=wanted.name, value="none", wrong=wrong, cure=cure, broken=True)
    if wanted.specifier.contains(found, prereleases=True):
        return Finding(name=wanted.name, value=found)
    wrong = f"{wanted.name} {found} is not {wanted.specifier}"
    return Finding(name=wanted.name, value=found, wrong=wrong, cure=cure, broken=True)
