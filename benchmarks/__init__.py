"""What the compiler costs, measured against what one would use without it."""
