"""`python -m sparsify` is the command `sparsify`."""

from __future__ import annotations

from sparsify.cli import main

main()
