"""Fixtures of the benchmarks that train."""

from tests.benchmarks.toys import toy

__all__ = ["toy"]
