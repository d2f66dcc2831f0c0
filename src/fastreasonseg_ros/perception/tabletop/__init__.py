"""Table-top perception: support, surface patches, convex groups, words."""

from .perceiver import TabletopConfig, TabletopPerceiver
from .segment import Segmentation, SegmentConfig, segment

__all__ = ["SegmentConfig", "Segmentation", "TabletopConfig", "TabletopPerceiver", "segment"]
