"""The processor's name, as its maker calls it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
