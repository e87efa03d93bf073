"""What this installation has and lacks: the facts of a bug report, and what to do."""

from __future__ import annotations

from sparsify.doctor.finding import Diagnosis, Finding
from sparsify.doctor.machine import kernels, machine
from sparsify.doctor.surroundings import network, storage
from sparsify.doctor.versions import versions

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose() -> Diagnosis:
    """Look at everything; where a package is missing or wrong, only at versions, in seconds."""
    found = Diagnosis(findings={"versions": list(versions())})
    if found.broken:
        return found
    rest = {"machine": machine, "kernels": kernels, "network": network, "storage": storage}
    return Diagnosis(findings=found.findings | {part: list(look()) for part, look in rest.items()})
