"""Objects in colour pictures by a small detector of fixed classes, on one CPU thread."""
