"""All nodes on a simulated table.

Ask: ros2 service call /reasonseg/query fastreasonseg_ros/srv/QueryScene "{text: the mug nearest to the bowl}"
"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription


def generate_launch_description():
    everything = PathJoinSubstitution([FindPackageShare("fastreasonseg_ros"), "launch", "fastreasonseg.launch.py"])
    arguments = {
        "source": "simulation",
        "path": LaunchConfiguration("seed"),
        "composed": LaunchConfiguration("composed"),
        "namespace": LaunchConfiguration("namespace"),
    }
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="reasonseg", description="of the nodes; / for none"),
            DeclareLaunchArgument("seed", default_value="0", description="the same seed gives the same table"),
            DeclareLaunchArgument("composed", default_value="false", description="true: one process for all nodes"),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(everything), launch_arguments=arguments.items()),
        ]
    )
