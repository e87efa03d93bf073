"""Facts -> rich renderables: nothing here computes facts, and nothing elsewhere shows them."""
