"""The sparse kernels in C++, and how they are compiled."""
