"""Runs the nodes as processes and measures them: the demo, and bags played in real time.

Above ros/ and evaluation/, which do not import each other.
"""
