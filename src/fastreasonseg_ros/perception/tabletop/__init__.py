"""Table-top perception: support plane, surface patches, grouping by convexity and network, classification."""

from .perceiver import TabletopConfig, TabletopPerceiver
from .segment import Segmentation, SegmentConfig, segment

__all__ = ["SegmentConfig", "Segmentation", "TabletopConfig", "TabletopPerceiver", "segment"]
