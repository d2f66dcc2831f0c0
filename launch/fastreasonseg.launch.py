"""The four nodes, each in its own process, or all in one (composed:=true); on a robot with camera:=false.

The nodes are managed (lifecycle) nodes that bring themselves up; autostart:=false leaves that to a lifecycle manager.
Names are in the namespace reasonseg (/reasonseg/query); namespace:=/ puts them into none.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

RVIZ = PathJoinSubstitution([FindPackageShare("fastreasonseg_ros"), "rviz", "fastreasonseg.rviz"])
ARGUMENTS = {
    "namespace": ("reasonseg", "of nodes, topics and services; / for none"),
    "params_file": (
        PathJoinSubstitution([FindPackageShare("fastreasonseg_ros"), "config", "fastreasonseg.yaml"]),
        "YAML file with the nodes' parameters",
    ),
    "composed": ("false", "true: one process for all nodes"),
    "camera": ("true", "false: a driver publishes the pictures"),
    "source": ("", "of camera_node: device, video, folder, scene, bag, simulation or topic; empty: as in params_file"),
    "path": ("", "what camera_node opens; empty: as in params_file"),
    "perceiver": ("", "of twin_node; empty: as in params_file"),
    "perceiver_config": ("", "of twin_node: file with the perceiver's settings; empty: as in params_file"),
    "target_frame": ("", "of mask_node: frame of target_in_frame, by tf2; empty: as in params_file"),
    "autostart": ("", "false: a lifecycle manager configures and activates the nodes; empty: as in params_file"),
    "use_sim_time": ("", "true: time comes from /clock; empty: as in params_file"),
    "color_topic": ("color/image_raw", "colour pictures"),
    "depth_topic": ("depth/image_raw", "depth, best registered to colour"),
    "info_topic": ("color/camera_info", "camera model of the colour pictures"),
    "depth_info_topic": ("depth/camera_info", "camera model of the depth pictures, where depth is not registered"),
    "imu_topic": ("imu", "sensor_msgs/Imu that says where up is, with use_imu of twin_node"),
    "respawn": ("false", "true: a node that ended is started again at once"),
    "rviz": ("false", "true: rviz2 with the package's view"),
    "view": (
        "false",
        "true: a page for browsers (fastreasonseg view) at view_host and view_port; needs the extra view",
    ),
    "view_host": ("127.0.0.1", "address of the page; with another one, as 0.0.0.0, anyone who reaches it may ask"),
    "view_port": ("8080", "port of the page"),
    "log_level": ("info", "debug, info, warn or error"),
}
NODES = ("camera_node", "twin_node", "reasoning_node", "mask_node")


def nodes(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}

    # ros2 launch refuses an empty argument; a quoted one comes with its quotes, one of another launch file without.
    values["namespace"] = values["namespace"].strip("'\"") or "/"

    def on(name):
        return values[name].lower() == "true"

    names = NODES if on("camera") else NODES[1:]
    common = {
        "package": "fastreasonseg_ros",
        "namespace": values["namespace"],
        "output": "screen",
        "remappings": remappings(values),
        "respawn": on("respawn"),
        "respawn_delay": 0.2,
        "ros_arguments": ["--log-level", values["log_level"]],
    }
    own = {name: parameters(values, name) for name in names}
    if on("composed"):
        everything = {key: value for one in own.values() for key, value in one.items()}
        files = [values["params_file"], *([everything] if everything else [])]
        without = [] if on("camera") else ["--without", "camera_node"]
        started = [Node(executable="bringup", parameters=files, arguments=without, **common)]
    else:
        files = {name: [values["params_file"], *([own[name]] if own[name] else [])] for name in names}
        started = [Node(executable=name, name=name, parameters=files[name], **common) for name in names]
    if on("rviz"):
        view = ["-d", RVIZ.perform(context)]
        started.append(Node(package="rviz2", executable="rviz2", arguments=view, namespace=values["namespace"]))
    if on("view"):
        address = ["--host", values["view_host"], "--port", values["view_port"]]
        address += ["--namespace", "/" + values["namespace"].strip("/")]  # its client sets its own, whatever __ns says
        started.append(Node(executable="view", arguments=address, **common))
    return started


def parameters(values, node):
    """Of one node, where an argument was given; texts stay texts ("0" is a seed)."""
    texts = {
        "camera_node": ("source", "path"),
        "twin_node": ("perceiver", "perceiver_config"),
        "mask_node": ("target_frame",),
    }
    given = {k: ParameterValue(values[k], value_type=str) for k in texts.get(node, ()) if values[k]}
    flags = {k: values[k].lower() == "true" for k in ("autostart", "use_sim_time") if values[k]}
    return {**given, **flags}


def remappings(values):
    """Topics of a driver; compressed ones have image_transport's endings after the driver's name."""
    changed = []
    for name, argument in (
        ("color/image_raw", "color_topic"),
        ("depth/image_raw", "depth_topic"),
        ("color/camera_info", "info_topic"),
        ("depth/camera_info", "depth_info_topic"),
        ("imu", "imu_topic"),
    ):
        if values[argument] == name:
            continue
        changed.append((name, values[argument]))
        if name.endswith("image_raw"):
            endings = ("compressed", "compressedDepth")
            changed += [(f"{name}/{e}", f"{values[argument]}/{e}") for e in endings]
    return changed


def generate_launch_description():
    declared = [DeclareLaunchArgument(n, default_value=d, description=t) for n, (d, t) in ARGUMENTS.items()]
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])
