"""The pages of the documentation that are written by the code itself, each time it is built."""
