"""Benchmarks in miniature, each in the files and fields of its published form; all pictures are made here.

Every scene has a red square (columns 4 to 11, rows 4 to 11) and, with several objects, a blue one (20 to 27).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

H, W = 32, 40
RED, BLUE = np.zeros((H, W), bool), np.zeros((H, W), bool)
RED[4:12, 4:12] = BLUE[4:12, 20:28] = True


def picture() -> np.ndarray:
    """RGB, 8 bits."""
    rgb = np.full((H, W, 3), 200, np.uint8)
    rgb[RED], rgb[BLUE] = (220, 20, 20), (20, 20, 220)
    return rgb


def ids() -> np.ndarray:
    return (RED * 1 + BLUE * 2).astype(np.uint8)


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, quality=95) if path.suffix == ".jpg" else Image.fromarray(array).save(path)
    return path


def dump(path: Path, value: object, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding=encoding)
    return path


def lines(path: Path, *rows: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def square(x: int, y: int, size: int) -> list[list[float]]:
    """Corners of a square whose last pixel is x + size - 1."""
    far = size - 1
    return [[x, y], [x + far, y], [x + far, y + far], [x, y + far]]


def packed(mask: np.ndarray) -> dict:
    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def reasonseg(root: Path) -> Path:
    save(root / "val/one.jpg", picture())
    shapes = [
        {"label": "ignore", "points": square(8, 4, 3)},  # lies over the target, since it is smaller
        {"label": "target", "points": square(4, 4, 8)},
        {"label": "flag", "points": square(0, 0, 30)},
    ]
    dump(root / "val/one.json", {"text": ["What could stop a car?", "second"], "is_sentence": True, "shapes": shapes})
    save(root / "val/two.jpg", picture())
    two = {
        "text": ["the café sign "],
        "is_sentence": False,
        "shapes": [{"label": "target", "points": square(20, 4, 8)}],
    }
    dump(root / "val/two.json", two, "cp1252")
    dump(root / "explanatory/train.json", [{"image": "x.jpg", "query": "q", "outputs": "o"}])
    return root


def llmseg40k(root: Path) -> Path:
    save(root / "coco/train2017/000000000009.jpg", picture())
    save(root / "ego_objects/images/E1.jpg", picture())
    save(root / "masks/a.png", RED.astype(np.uint8) * 255)
    pair = {"question": "Which one is red?", "answer": "The left one.", "segmentation_path": "/home/x/data/masks/a.png"}
    other = {"question": "Which one is blue?", "answer": "It.", "rle_seg": packed(BLUE)}
    data = {
        "000000000009.jpg": {"from_dataset": "coco", "qa_pairs": [pair, other]},
        "E1.jpg": {"from_dataset": "ego_objects", "qa_pairs": [other]},
    }
    dump(root / "split/validation.json", data)
    return root


def revos(root: Path) -> Path:
    frames = ["00000", "00005", "00010"]
    for name in frames:
        save(root / f"JPEGImages/v1/{name}.jpg", picture())
    asked = {
        "0": {"exp": "the red square", "obj_id": [0], "anno_id": [70], "type_id": 0},
        "1": {"exp": "Which of them could be squares?", "obj_id": [0, 1], "anno_id": [70, 71], "type_id": 1},
        "2": {"exp": "a dog", "obj_id": [], "anno_id": [], "type_id": 2},
    }
    video = {"vid_id": 3, "frames": frames, "expressions": asked}
    dump(root / "meta_expressions_valid_.json", {"videos": {"v1": video}})
    dump(root / "mask_dict.json", {"70": [packed(RED), None, packed(RED)], "71": [packed(BLUE | RED)] * 3})
    dump(root / "mask_dict_foreground.json", {})
    return root


def reasonvos(root: Path) -> Path:
    for name in ("00000", "00001", "00002"):
        save(root / f"JPEGImages/v1/{name}.jpg", picture())
        if name != "00001":
            save(root / f"Annotations/mevis_v1_4/{name}.png", RED.astype(np.uint8) * 255)
    asked = [{"obj_id": 4, "exp_id": 0, "exp_text": "What is red?", "is_sent": True}]
    video = {"source": "MeViS", "frames": ["00000", "00001", "00002"], "expressions": asked}
    dump(root / "meta_expressions.json", {"videos": {"v1": video}})
    return root


def osd(root: Path) -> Path:
    save(root / "image_color/learn0.png", picture())
    save(root / "disparity/learn0.png", np.where(ids() > 0, 700, 800).astype(np.uint16))
    save(root / "annotation/learn0.png", ids())
    camera = {"width": W, "height": H, "fx": 40.0, "fy": 40.0, "cx": 20.0, "cy": 16.0}
    dump(root / "camera.json", camera)
    lines(root / "queries.jsonl", {"scene": "learn0", "text": "the box", "target_ids": [1]})
    lines(
        root / "labels.jsonl",
        {"scene": "learn0", "id": 1, "label": "box", "colour": "red"},
        {"scene": "learn0", "id": 2, "label": "mug", "colour": "blue"},
    )
    return root


def davis(root: Path) -> Path:
    for folder, names in (("val", "swan\n"), ("train", "bear\n")):
        (root / "ImageSets/2017").mkdir(parents=True, exist_ok=True)
        (root / f"ImageSets/2017/{folder}.txt").write_text(names)
    values = ids()
    values[4, 4] = 255  # void
    for name in ("swan", "bear"):
        davis_video(root, name, values)
    text = 'swan 1 "a red square"\nbear 2 "a blue square"\n'
    (root / "davis_text_annotations").mkdir()
    (root / "davis_text_annotations/Davis17_annot1.txt").write_text(text)
    return root


def davis_video(base: Path, name: str, values: np.ndarray | None = None) -> None:
    """Two frames of a video as DAVIS 2017 has them, ids in a palette."""
    for k in range(2):
        save(base / f"JPEGImages/480p/{name}/{k:05d}.jpg", picture())
        image = Image.fromarray(ids() if values is None else values, "P")
        image.putpalette([v for c in range(256) for v in (c, 255 - c, 7)])
        path = base / f"Annotations/480p/{name}/{k:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def sav_video(base: Path, name: str) -> None:
    """Five frames of a video as SA-V has them: a folder of masks an object, every fourth frame; the second overlaps."""
    for k in range(5):
        save(base / f"JPEGImages_24fps/{name}/{k:05d}.jpg", picture())
        for number, mask in enumerate((RED, RED | BLUE) if k % 4 == 0 else ()):
            save(base / f"Annotations_6fps/{name}/{number:03d}/{k:05d}.png", mask.astype(np.uint8) * 255)


def rvtbench(root: Path) -> Path:
    """Its fields are an assumption (readers/video_questions.py)."""
    davis_video(root / "DAVIS", "swan")
    sav_video(root / "sav", "sav_000001")
    common = {"video": "swan", "task": "Segmentation"}
    dump(
        root / "rvtbench/davis.json",
        [
            common | {"query": "Which square is red?", "object_ids": [1], "category": "Semantic", "level": "L1"},
            common | {"query": "What is right of it?", "object_ids": [2], "category": "Spatial", "level": "L4"},
            {"video": "swan", "query": "What is seen?", "task": "VQA", "answer": "Two squares.", "level": "L1"},
        ],
    )
    dump(root / "rvtbench/segmentation/temporal_L2.json", {"sav_000001": [{"query": "What stays?", "object_ids": [0]}]})
    return root


def jitbench(root: Path) -> Path:
    """The same of a benchmark of segmentation alone, with run lengths in the questions."""
    davis_video(root, "swan")
    lines(
        root / "jitbench.jsonl",
        {"video": "swan", "query": "the red one", "masks": [packed(RED), None], "category": "semantic", "level": 3},
        {"video": "swan", "query": "both", "masks": [packed(RED | BLUE)] * 2, "category": "spatial", "level": 1},
    )
    return root


def ade20k(root: Path) -> Path:
    folder = root / "images/ADE/validation/urban/street"
    save(folder / "ADE_val_1.jpg", picture())
    seg = np.zeros((H, W, 3), np.uint8)
    seg[RED], seg[BLUE] = (110, 20, 5), (110, 20, 200)  # class 11 * 256 + 20 = 2836, two instances
    save(folder / "ADE_val_1_seg.png", seg)

    def thing(id: int, name: str, x: int, attributes: list[str] | str, level: int = 0) -> dict:
        points = np.array(square(x, 4, 8), int)
        return {
            "id": id,
            "name": name,
            "name_ndx": 2836,
            "raw_name": name.split(",")[0],
            "attributes": attributes,
            "parts": {"hasparts": [], "ispartof": [], "part_level": level},
            "polygon": {"x": points[:, 0].tolist(), "y": points[:, 1].tolist(), "click_date": []},
        }

    things = [
        thing(0, "traffic light, stoplight", 4, ["red", "turned on"]),
        thing(1, "traffic light, stoplight", 20, "blue"),
        thing(2, "lens", 4, [], level=1),
    ]
    dump(folder / "ADE_val_1.json", {"annotation": {"filename": "ADE_val_1.jpg", "object": things}})
    return root


def folder(root: Path) -> Path:
    frame = root / "table/000000"
    save(frame / "rgb.png", picture())
    save(frame / "depth.png", np.where(ids() > 0, 700, 800).astype(np.uint16))
    save(frame / "ids.png", ids())
    camera = {"width": W, "height": H, "fx": 40.0, "fy": 40.0, "cx": 20.0, "cy": 16.0}
    dump(root / "table/camera.json", camera)
    lines(root / "queries.jsonl", {"scene": "table", "text": "the red box", "target_ids": [1], "category": "attribute"})
    lines(root / "labels.jsonl", {"scene": "table", "id": 1, "label": "box", "colour": "red"})
    return root


ALL = (reasonseg, llmseg40k, revos, reasonvos, rvtbench, jitbench, osd, davis, ade20k, folder)


def break_png(path: Path) -> None:
    """Cuts a picture off in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


__all__ = ["ALL", "BLUE", "RED", "H", "W", "break_png", "dump", "ids", "lines", "picture", "save"]
