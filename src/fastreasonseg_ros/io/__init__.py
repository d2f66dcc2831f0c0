"""Camera input shared by nodes, evaluation and the command line: image encodings, camera models, depth, bags.

Nothing here imports ROS. Messages are read by their field names, so that those of rclpy and of rosbags both fit.
"""
