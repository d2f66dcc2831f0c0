"""All nodes on a recorded bag: ros2 launch fastreasonseg_ros replay.launch.py bag:=table.mcap"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription


def generate_launch_description():
    everything = PathJoinSubstitution([FindPackageShare("fastreasonseg_ros"), "launch", "fastreasonseg.launch.py"])
    arguments = {
        "source": "bag",
        "path": LaunchConfiguration("bag"),
        "perceiver": LaunchConfiguration("perceiver"),
        "composed": LaunchConfiguration("composed"),
        "namespace": LaunchConfiguration("namespace"),
    }
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="reasonseg", description="of the nodes; / for none"),
            DeclareLaunchArgument("bag", description="folder of a rosbag2, or a .mcap or .db3 file"),
            DeclareLaunchArgument("perceiver", default_value="tabletop", description="tabletop or oracle"),
            DeclareLaunchArgument("composed", default_value="false", description="true: one process for all nodes"),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(everything), launch_arguments=arguments.items()),
        ]
    )
