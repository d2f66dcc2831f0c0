"""A colour camera without depth: boxes of a small detector, masks by graph cuts, words of 23 classes. No metres."""

from .perceiver import MonocularConfig as MonocularConfig
from .perceiver import MonocularPerceiver as MonocularPerceiver
