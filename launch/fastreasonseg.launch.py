"""The four nodes, each in its own process, or all in one (composed:=true); on a robot with camera:=false."""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

ARGUMENTS = {
    "namespace": ("", "namespace of nodes and topics"),
    "params_file": (
        PathJoinSubstitution([FindPackageShare("fastreasonseg_ros"), "config", "fastreasonseg.yaml"]),
        "YAML file with the nodes' parameters",
    ),
    "composed": ("false", "true: one process for all nodes"),
    "camera": ("true", "false: a driver publishes the pictures"),
    "source": ("", "of camera_node: device, video, folder, scene, bag, simulation or topic; empty: as in params_file"),
    "path": ("", "what camera_node opens; empty: as in params_file"),
    "perceiver": ("", "of twin_node: tabletop or oracle; empty: as in params_file"),
    "color_topic": ("color/image_raw", "colour pictures"),
    "depth_topic": ("depth/image_raw", "depth registered to colour"),
    "info_topic": ("color/camera_info", "camera model of the colour pictures"),
}


def nodes(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    composed = values["composed"].lower() == "true"
    names = ["camera_node", "twin_node", "reasoning_node", "mask_node"]
    if values["camera"].lower() != "true":
        names.remove("camera_node")
        if composed:
            raise RuntimeError("composed:=true starts all four nodes; with camera:=false leave it out")
    remappings = [
        (name, values[argument])
        for name, argument in (
            ("color/image_raw", "color_topic"),
            ("color/image_raw/compressed", "color_topic"),
            ("depth/image_raw", "depth_topic"),
            ("depth/image_raw/compressed", "depth_topic"),
            ("depth/image_raw/compressedDepth", "depth_topic"),
            ("color/camera_info", "info_topic"),
        )
        if values[argument] not in (name, ARGUMENTS[argument][0])
    ]
    extra = {
        "camera_node": {k: values[k] for k in ("source", "path") if values[k]},
        "twin_node": {"perceiver": values["perceiver"]} if values["perceiver"] else {},
    }
    common = {"package": "fastreasonseg_ros", "namespace": values["namespace"], "output": "screen"}
    if composed:
        everything = {key: value for parameters in extra.values() for key, value in parameters.items()}
        return [
            Node(
                executable="bringup",
                parameters=[values["params_file"], *([_text(everything)] if everything else [])],
                remappings=remappings,
                **common,
            )
        ]
    return [
        Node(
            executable=name,
            name=name,
            parameters=[values["params_file"], *([_text(extra[name])] if extra.get(name) else [])],
            remappings=remappings,
            **common,
        )
        for name in names
    ]


def _text(parameters):
    from launch_ros.parameter_descriptions import ParameterValue

    return {key: ParameterValue(value, value_type=str) for key, value in parameters.items()}


def generate_launch_description():
    declared = [DeclareLaunchArgument(n, default_value=d, description=t) for n, (d, t) in ARGUMENTS.items()]
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])
