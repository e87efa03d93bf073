"""Compiles the sparse kernels with the C++ compiler of the machine; needs Python alone.

`python sparsify/runtime/kernel/build.py` puts the library beside this file, as installing does.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "libsparsify_kernel.so"
OPERATOR = (
    "attention.cpp", "attention_operator.cpp", "linear.cpp", "operator.cpp", "self_attention.cpp",
    "self_attention_operator.cpp", "tail.cpp", "weight.cpp",
)  # fmt: skip
FUZZER = ("attention.cpp", "fuzz.cpp", "linear.cpp", "self_attention.cpp", "tail.cpp", "weight.cpp")
AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma")
KERNELS = {
    "kernels_portable.cpp": (),
    "kernels_avx2.cpp": ("-mavx2", "-mfma"),
    "kernels_avx512.cpp": AVX512,
    "kernels_avx512vnni.cpp": (*AVX512, "-mavx512vnni"),
}
"""Which instructions each file may use; the processor decides at run time which file is used."""
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi")
INLINE_RUNTIME = ("-static-libstdc++", "-static-libgcc")
"""The library runs where another compiler's runtime is installed, and beside it."""


class CannotCompile(Exception):
    """There is no compiler, or it fails; the message says which."""


def compiler() -> str | None:
    """The C++ compiler: `CXX`, or the first that is installed."""
    wanted = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return next((found for name in wanted if name and (found := shutil.which(name))), None)


def sources() -> dict[str, tuple[str, ...]]:
    """The kernels for this machine's processors, with the flags of each."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return {name: flags for name, flags in KERNELS.items() if x86 or not flags}


def digest() -> str:
    """What tells a library of these sources from one of others."""
    found = hashlib.sha256()
    for path in sorted([*FOLDER.glob("*.cpp"), *FOLDER.glob("*.h"), Path(__file__)]):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def build_library(target: Path = LIBRARY, extra: Sequence[str] = ()) -> Path:
    """The library for ONNX Runtime.

    Raises:
        CannotCompile: there is no compiler, or it fails.
    """
    return _build(OPERATOR, target, (*extra, f'-DSPARSIFY_DIGEST="{digest()}"'), ("-shared",))


def build_fuzzer(target: Path, extra: Sequence[str] = ()) -> Path:
    """The program that feeds malformed weights to the same code.

    Raises:
        CannotCompile: there is no compiler, or it fails.
    """
    return _build(FUZZER, target, extra, ())


def _build(files: Sequence[str], target: Path, extra: Sequence[str], link: Sequence[str]) -> Path:
    command = compiler()
    if command is None:
        raise CannotCompile("there is no C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        objects = [
            [command, *FLAGS, *extra, *flags, "-c", str(FOLDER / name), "-o", f"{folder}/{name}.o"]
            for name, flags in {**dict.fromkeys(files, ()), **sources()}.items()
        ]
        draft = Path(folder) / target.name
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_run, objects))
        made = [step[-1] for step in objects]
        static = () if any("-fsanitize" in flag for flag in extra) else INLINE_RUNTIME
        _run([command, *extra, *static, *link, *made, "-o", str(draft), "-pthread"])
        shutil.copy(draft, target.with_name(f".{target.name}"))
        target.with_name(f".{target.name}").replace(target)
    return target


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "it failed")
        raise CannotCompile(f"{command[0]}: {first.strip()}")


if __name__ == "__main__":
    build_library()
