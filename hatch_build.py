"""Compiles the sparse kernels while the package is built; without a compiler they are left out."""

from __future__ import annotations

import platform
import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelBuildHook(BuildHookInterface):
    """Adds the library to wheels, and puts it beside its sources for editable installations."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        kernel = Path(self.root) / "sparsify" / "runtime" / "kernel"
        build = runpy.run_path(str(kernel / "build.py"))
        library: Path = build["LIBRARY"]
        if sys.platform != "linux":
            return
        try:
            build["build_library"]()
        except build["CannotCompile"] as error:
            library.unlink(missing_ok=True)
            self.app.display_warning(f"the sparse kernels are left out: {error}")
            return
        build_data["artifacts"].append(library.relative_to(self.root).as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform()}"


def _platform() -> str:
    """The oldest Linux that surely runs the library: this one's C library (PEP 600)."""
    name, libc = platform.libc_ver()
    machine = platform.machine()
    return (
        f"manylinux_{libc.replace('.', '_')}_{machine}" if name == "glibc" else f"linux_{machine}"
    )
