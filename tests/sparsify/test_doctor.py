"""The doctor tells what is there, and is right about what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import sparsify.doctor
from sparsify.doctor import Diagnosis, Finding, diagnose
from sparsify.doctor.machine import threads
from sparsify.doctor.surroundings import kept, room
from sparsify.doctor.versions import held
from sparsify.runtime import library
from tests.sparsify.conftest import Answer

BROKEN = Finding(name="torch", value="2.0", wrong="torch 2.0 is not <2.14", cure="c", broken=True)
SLOW = Finding(name="library", value="none", wrong="no kernels", cure="install g++")


def test_it_tells_what_a_bug_report_needs(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answer = call("doctor", "--json")
    found = json.loads(answer.out)["findings"]
    told = {each["name"]: each["value"] for part in found.values() for each in part}
    assert told.keys() >= {
        "python", "torch", "onnxruntime", "processor", "cores", "threads of torch", "memory",
        "GPU", "compiler", "providers", "library", "cache", "recipes", "OMP_NUM_THREADS",
    }  # fmt: skip
    assert told["HF_HUB_OFFLINE"] == "1"
    assert "CPUExecutionProvider" in told["providers"]
    broken = any(each["broken"] for part in found.values() for each in part)
    assert answer.code == (1 if broken else 0)


def test_kernels_that_are_not_there_are_a_note_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "LIBRARY", Path("nowhere.so"))
    monkeypatch.setattr("sys.platform", "linux")
    found = diagnose()
    (missing,) = [each for each in found.findings["kernels"] if each.name == "library"]
    assert missing.wrong.startswith("the sparse kernels were not compiled")
    assert missing.cure.startswith("install ")
    assert not missing.broken


def test_what_is_broken_is_exit_code_1(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = Diagnosis(findings={"versions": [BROKEN], "kernels": [SLOW]})
    monkeypatch.setattr(sparsify.doctor, "diagnose", lambda: ill)
    found = call("doctor")
    assert (found.code, found.err) == (1, "check failed: torch 2.0 is not <2.14\n")
    monkeypatch.setattr(sparsify.doctor, "diagnose", lambda: Diagnosis(findings={"k": [SLOW]}))
    assert call("doctor").code == 0


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ("pytest>=1", ""),
        ("pytest<1", " is not <1"),
        ("nowhere-to-be-found>=1", "nowhere-to-be-found is not installed"),
    ],
)
def test_a_version_is_held_to_what_is_asked_for(wanted: str, wrong: str) -> None:
    found = held(Requirement(wanted))
    assert found.wrong.endswith(wrong)
    assert found.broken == bool(wrong)
    assert found.cure == (f'pip install "{wanted}"' if wrong else "")


def test_more_threads_than_cores_are_told() -> None:
    assert threads(2, 2).wrong == ""
    assert threads(8, 2).cure == "set OMP_NUM_THREADS=2"


def test_a_cache_that_cannot_be_written_is_broken(tmp_path: Path) -> None:
    (tmp_path / "teachers").write_bytes(b"0" * 2_000_000)
    assert kept(tmp_path).value == f"{tmp_path}, 2.0 MB"
    assert not kept(tmp_path / "not" / "yet").wrong
    assert kept(tmp_path / "teachers" / "inside").broken


def test_a_full_disk_is_told() -> None:
    assert room(3_000_000_000).wrong == ""
    assert room(1_000_000_000).wrong.startswith("1.0 GB may not be enough")
