from __future__ import annotations

from collections.abc import Callable

import pytest

from sparsify.doctor import Diagnosis, Finding
from sparsify.view.doctor import doctor_view

BROKEN = Finding(name="torch", value="2.0", wrong="torch 2.0 is not <2.14", cure="c", broken=True)
SLOW = Finding(name="library", value="none", wrong="no kernels", cure="install g++")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [80, 120])
def test_the_view_says_what_to_do(rendered: Callable[..., str], width: int, encoding: str) -> None:
    ill = Diagnosis(findings={"versions": [BROKEN], "kernels": [SLOW]})
    shown = rendered(doctor_view(ill), width, encoding)
    assert "broken: torch 2.0 is not <2.14; c" in shown
    assert "note: no kernels; install g++" in shown
    assert shown.splitlines()[-1] == "2 findings, 1 of them broken"
    assert max(map(len, shown.splitlines())) <= width
