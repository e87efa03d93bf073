"""The verb `doctor`: what a bug report needs, and what to repair."""

from __future__ import annotations

from sparsify.cli import screen
from sparsify.cli.options import Json
from sparsify.errors import CheckFailed


def doctor(as_json: Json = False) -> None:
    """Look at versions, threads, kernels, switches and folders, and say what is wrong."""
    from sparsify.doctor import diagnose
    from sparsify.view.doctor import doctor_view

    found = diagnose()
    screen.answer(as_json, lambda: found.model_dump(mode="json"), lambda: doctor_view(found))
    if found.broken:
        raise CheckFailed(found.broken[0].wrong)
