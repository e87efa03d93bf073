"""What is in a model: its weights, what can be removed from it, and each weight in full."""
