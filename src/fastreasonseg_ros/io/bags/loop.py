"""`fastreasonseg bag make BAG OUT --seconds S`: repeats a recording to make a long bag, for endurance tests.

Image data are copied unchanged; stamps and recording times continue from round to round. Questions (questions.py) are
written once.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from rosbags.highlevel.anyreader import AnyReaderError
from rosbags.rosbag2 import Writer

from ...errors import DatasetError
from .reader import bag_info, find_topics, open_bag, stamp_ns
from .writer import STORAGE


def loop_bag(path: str | Path, out: str | Path, seconds: float, rate: float = 1.0, storage: str = "mcap") -> int:
    """Writes OUT, `seconds` long, and returns its number of colour images; rate 2: twice as fast.

    The serialized recording is held in memory. Raises DatasetError for what is not a bag of ROS 2, an existing OUT, or
    a length or rate that is not positive.
    """
    out = Path(out)
    if out.exists():
        raise DatasetError(f"{out}: is there already; remove it or write to another folder")
    if seconds <= 0 or rate <= 0:
        raise DatasetError(f"--seconds {seconds:g} --rate {rate:g}: both must be greater than 0")
    info = bag_info(path)
    topics = find_topics(info, path)
    pictures = info.topics[topics.color][1]
    length_ns = round(seconds * 1e9)
    out.parent.mkdir(parents=True, exist_ok=True)
    with open_bag(path) as reader, Writer(out, version=9, storage_plugin=STORAGE[storage]) as writer:
        if not reader.is2:
            raise DatasetError(f"{path}: is a bag of ROS 1; convert it first: rosbags-convert --src {path} --dst NEW")
        store = reader.typestore
        try:
            recorded = [(c, t, raw) for c, t, raw in reader.messages()]
        except AnyReaderError as error:
            raise DatasetError(f"{path}: {error}") from error
        start_ns = recorded[0][1]
        step_ns = -(-(reader.end_time - start_ns) // max(1, pictures - 1))  # mean image period, between rounds
        round_ns = reader.end_time - start_ns + step_ns
        connections: dict[int, Any] = {}
        written = 0
        for number in count():
            for connection, time_ns, raw in recorded:
                now_ns = start_ns + round((time_ns - start_ns + number * round_ns) / rate)
                if now_ns - start_ns >= length_ns:
                    return written
                if connection.topic == topics.questions and number:
                    continue
                kind = connection.msgtype
                if connection.id not in connections:
                    connections[connection.id] = writer.add_connection(connection.topic, kind, typestore=store)
                message: Any = reader.deserialize(raw, kind)
                if stamp := getattr(getattr(message, "header", None), "stamp", None):
                    moved_ns = start_ns + round((stamp_ns(message) - start_ns + number * round_ns) / rate)
                    stamp.sec, stamp.nanosec = moved_ns // 10**9, moved_ns % 10**9
                    raw = store.serialize_cdr(message, kind)
                writer.write(connections[connection.id], now_ns, raw)
                written += connection.topic == topics.color
    raise AssertionError("the loop ends by its length")
