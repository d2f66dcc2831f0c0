"""Fast reasoning segmentation over an online digital twin (Shen and Unberath, arXiv 2511.12368) for ROS 2."""

__version__ = "0.1.0"
