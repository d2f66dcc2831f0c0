"""Table-top scenes with exact ground truth: procedural household objects under MuJoCo's physics.

with make_scene(3, clutter="stacked") as scene:
    frame = scene.render("structured_light")      # Frame with .truth (ids, labels, colours)
"""

from .scenes.clips import Event, make_clip, play
from .scenes.scene import Scene, make_scene
from .scenes.truth import true_twin

__all__ = ["Event", "Scene", "make_clip", "make_scene", "play", "true_twin"]
