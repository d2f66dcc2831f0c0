"""The parameters of each node: name, default, meaning, bounds; parameters.py says how they are declared and changed."""

from __future__ import annotations

from dataclasses import dataclass

from ..perception import PERCEIVERS
from ..reasoning import LANGUAGE_MODELS
from ..serving.camera_sources import SOURCES
from .parameters import NodeSettings, setting
from .qos import PICTURE_QOS

RAW = ("raw", "compressed")
DEPTH_UNIT = "metres of one step of 16-bit depth: 0.001 (REP-118); 0.0001 for a RealSense D405"


@dataclass(frozen=True)
class CameraSettings(NodeSettings):
    source: str = setting("simulation", "where pictures come from", choices=(*SOURCES, "topic"))
    path: str = setting("", "what to open: device number, file or folder; for a simulation its seed")
    rate_hz: float = setting(0.0, "pictures a second; 0: the pace of the source", low=0.0, high=1000.0, change="live")
    loop: bool = setting(
        True, "start again when the source ends; otherwise its last picture is repeated once a second", change="live"
    )
    frame_id: str = setting("camera_color_optical_frame", "frame of the pictures (REP-103 optical)", change="live")
    color_transport: str = setting("raw", "of the source topic in/color", choices=RAW)
    depth_transport: str = setting("raw", "of the source topic in/depth", choices=(*RAW, "compressedDepth"))
    depth_unit_m: float = setting(0.001, DEPTH_UNIT, low=1e-6, high=1.0)
    picture_qos: str = setting("auto", "of the source topics; auto: reliable where offered", choices=PICTURE_QOS)


@dataclass(frozen=True)
class TwinSettings(NodeSettings):
    perceiver: str = setting("tabletop", "how pictures become instances", choices=PERCEIVERS)
    perceiver_config: str = setting("", "YAML file with the perceiver's settings; empty: its defaults")
    perceiver_overrides: list[str] = setting([], "single settings of the perceiver, as a.b=c")
    color_transport: str = setting("raw", "of color/image_raw, as image_transport names it", choices=RAW)
    depth_transport: str = setting("raw", "of depth/image_raw", choices=(*RAW, "compressedDepth"))
    picture_qos: str = setting(
        "auto", "of the picture subscriptions; auto: reliable where offered", choices=PICTURE_QOS
    )
    world_frame: str = setting(
        "", "frame that stands still, as odom: velocities are over that ground, by tf; needs tf2_ros; empty: none"
    )
    gravity_frame: str = setting(
        "", "frame whose z axis points up, as base_link: says by tf where up is in the picture; empty: none"
    )
    use_imu: bool = setting(False, "take where up is from the topic imu, while it is measured at rest")
    tf_timeout_s: float = setting(
        0.05, "how long the camera's pose at the picture's stamp is waited for", low=0.0, high=10.0, change="live"
    )
    sync_slop_s: float = setting(
        0.05, "largest difference of the stamps of colour and depth; 0: equal stamps only", low=0.0, high=10.0
    )
    sync_queue: int = setting(10, "pictures that wait for their partner", low=1, high=1000)
    depth_unit_m: float = setting(0.001, DEPTH_UNIT, low=1e-6, high=1.0)
    depth_timeout_s: float = setting(
        1.0, "depth or camera_info missing for so long: pictures are taken without", low=0.1, high=60.0, change="live"
    )
    stale_after_s: float = setting(
        3.0, "a twin older than this is reported as stale on /diagnostics", low=0.1, high=3600.0, change="live"
    )


@dataclass(frozen=True)
class ReasoningSettings(NodeSettings):
    language_model: str = setting("openvino", "which backend runs it", choices=LANGUAGE_MODELS)
    language_model_config: str = setting("", "YAML file with the model's settings; empty: its defaults")
    language_model_overrides: list[str] = setting([], "single settings of the model, as a.b=c")
    query_timeout_s: float = setting(30.0, "time for a question that names none", low=0.1, high=3600.0, change="live")
    look_timeout_s: float = setting(
        5.0,
        "time that perception has to look for words which a question brings; 0: none are brought",
        low=0.0,
        high=3600.0,
        change="live",
    )
    stale_after_s: float = setting(
        10.0, "an answer about an older twin has the status STALE", low=0.1, high=3600.0, change="live"
    )
    unsure_below: float = setting(
        0.0, "an answer of less confidence has the status UNSURE, and asks back; 0: none", low=0.0, high=1.0,
        change="live",
    )  # fmt: skip


@dataclass(frozen=True)
class MaskSettings(NodeSettings):
    query_id: str = setting(
        "", "question of mask, overlay and target (service select); empty: the one that was asked last", change="live"
    )
    color_transport: str = setting("raw", "of color/image_raw", choices=RAW)
    picture_qos: str = setting("auto", "of the picture subscription; auto: reliable where offered", choices=PICTURE_QOS)
    target_frame: str = setting("", "frame of target_in_frame, for example base_link; needs tf2_ros; empty: none")
    tf_timeout_s: float = setting(
        0.2, "how long a transform at the picture's stamp is waited for", low=0.0, high=10.0, change="live"
    )
