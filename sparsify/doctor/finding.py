"""What was looked at, what is wrong with it, and what to do."""

from __future__ import annotations

from pydantic import BaseModel


class Finding(BaseModel):
    """One thing that was looked at."""

    name: str
    value: str
    wrong: str = ""
    """What is wrong with it, in one sentence; empty where nothing is."""
    cure: str = ""
    """What to do about it."""
    broken: bool = False
    """Whether something that users need does not work."""


class Diagnosis(BaseModel):
    """Everything that was looked at, by what it belongs to."""

    findings: dict[str, list[Finding]]

    @property
    def wrong(self) -> list[Finding]:
        """What is not as it should be."""
        return [each for part in self.findings.values() for each in part if each.wrong]

    @property
    def broken(self) -> list[Finding]:
        """What users need and do not have."""
        return [each for each in self.wrong if each.broken]
