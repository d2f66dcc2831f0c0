"""Work on crops of things beside the frame's path, at growing intervals: reading, and names from pictures."""
