"""Ground truth by points: a page to click them, and the files that hold them."""
