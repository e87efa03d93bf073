"""Accuracy against sparsity: methods side by side on real tasks, with the same rows and steps."""
