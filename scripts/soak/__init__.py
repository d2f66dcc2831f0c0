"""What the nodes survive, measured: `python -m scripts.soak` (make soak); tests run the same parts, shortened."""
