"""Many transformers, each tiny, through everything that the compiler does."""
