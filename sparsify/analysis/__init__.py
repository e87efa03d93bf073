"""Read-only facts about a program, found from its dataflow and shapes, never from names."""
