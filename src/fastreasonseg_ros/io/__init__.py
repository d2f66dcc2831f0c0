"""Camera input for nodes, evaluation and the command line: image encodings, camera models, depth, bags, data sets.

Nothing here imports ROS. Messages are accessed by field names, so that both rclpy and rosbags messages work.
"""
