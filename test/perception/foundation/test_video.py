"""SAM 2 fed frame by frame says what the official predictor says of the whole clip, and its memory does not grow."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sam2", reason="sam2 is not installed: SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2")
from PIL import Image
from tiny import SAM2_SIDE, clip, save_sam2

from fastreasonseg_ros.perception.foundation.pictures import to_device
from fastreasonseg_ros.perception.foundation.segmenter import Segmenter
from fastreasonseg_ros.perception.foundation.video import VideoMemory

FRAMES = 20
BOXES = {1: (10.0, 20.0, 60.0, 70.0), 2: (50.0, 30.0, 90.0, 60.0), 3: (5.0, 5.0, 120.0, 110.0)}


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory) -> Segmenter:
    return Segmenter.load(save_sam2(tmp_path_factory.mktemp("sam2")), "cpu")


def official(segmenter: Segmenter, folder, prompts: dict[int, tuple[int, tuple]]) -> dict[int, dict[int, np.ndarray]]:
    """frame -> id -> mask logits at the size of the picture. Objects of one first frame are followed together."""
    model, result = segmenter.model, {n: {} for n in range(FRAMES)}
    state = model.init_state(str(folder))
    for start in sorted({frame for frame, _ in prompts.values()}):
        model.reset_state(state)
        for id, (frame, box) in prompts.items():
            if frame == start:
                model.add_new_points_or_box(state, frame_idx=frame, obj_id=id, box=np.array(box, np.float32))
        for frame, ids, logits in model.propagate_in_video(state, start_frame_idx=start):
            result[frame] |= {id: logits[n, 0].numpy() for n, id in enumerate(ids)}
    return result


def streamed(segmenter: Segmenter, pictures, prompts) -> tuple[dict[int, dict[int, np.ndarray]], VideoMemory]:
    memory, result = VideoMemory(segmenter), {}
    for n, picture in enumerate(pictures):
        features = segmenter.encode(to_device(torch.from_numpy(picture), "cpu"))
        tracked = memory.advance(features)
        new = {id: box for id, (frame, box) in prompts.items() if frame == n}
        tracked |= memory.prompt(list(new), list(new.values()))
        result[n] = {
            id: torch.nn.functional.interpolate(t.logits.float(), picture.shape[:2], mode="bilinear")[0, 0].numpy()
            for id, t in tracked.items()
        }
    return result, memory


def written(pictures, folder) -> list[np.ndarray]:
    for n, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{n:05d}.jpg", quality=95)
    return [np.array(Image.open(folder / f"{n:05d}.jpg")) for n in range(len(pictures))]


def test_a_stream_gives_the_masks_of_the_whole_clip(segmenter, tmp_path) -> None:
    pictures = written(clip(FRAMES, SAM2_SIDE, SAM2_SIDE), tmp_path)
    prompts = {id: (0, box) for id, box in BOXES.items()}
    whole, (stream, _) = official(segmenter, tmp_path, prompts), streamed(segmenter, pictures, prompts)
    for frame in range(FRAMES):
        for id in BOXES:
            np.testing.assert_allclose(stream[frame][id], whole[frame][id], atol=2e-3, rtol=0)
            assert ((stream[frame][id] > 0) == (whole[frame][id] > 0)).mean() > 0.9999
    changing = [np.abs(whole[0][id] - whole[FRAMES - 1][id]).max() for id in BOXES]
    assert min(changing) > 0.05  # else anything would agree
    assert 0.01 < np.mean([whole[FRAMES - 1][id] > 0 for id in BOXES]) < 0.99


def test_objects_that_come_later_and_another_picture_size_change_nothing(segmenter, tmp_path) -> None:
    pictures = written(clip(FRAMES, 90, 150, seed=1), tmp_path)
    prompts = {1: (0, BOXES[1]), 2: (0, BOXES[2]), 7: (5, (20.0, 10.0, 60.0, 50.0))}
    whole, (stream, _) = official(segmenter, tmp_path, prompts), streamed(segmenter, pictures, prompts)
    for frame in range(FRAMES):
        for id, (start, _) in prompts.items():
            if frame >= start:
                agree = ((stream[frame][id] > 0) == (whole[frame][id] > 0)).mean()
                assert agree > 0.995, (frame, id)  # the resize differs by up to 2 of 255 levels


@pytest.mark.parametrize("size", [(1, 1), (150, 40), (2160, 3840)])
def test_a_box_becomes_the_official_predictors_mask_at_any_size_of_the_picture(segmenter, tmp_path, size) -> None:
    height, width = size
    picture = written(clip(1, *size) if min(size) > 30 else [np.full((*size, 3), 120, np.uint8)], tmp_path)[0]
    box = (0.1 * width, 0.2 * height, 0.8 * width, 0.7 * height)
    state = segmenter.model.init_state(str(tmp_path))
    _, _, whole = segmenter.model.add_new_points_or_box(state, frame_idx=0, obj_id=1, box=np.array(box, np.float32))
    memory = VideoMemory(segmenter)
    memory.advance(segmenter.encode(to_device(torch.from_numpy(picture), "cpu")))
    (mask,) = segmenter.masks(memory.prompt([1], [box])[1].logits, size)
    assert mask.shape == size
    assert (mask == (whole[0, 0] > 0).numpy()).mean() > 0.995


def test_forgetting_one_object_leaves_the_others_as_they_were(segmenter) -> None:
    pictures = clip(8, 96, 96, seed=2)
    prompts = {id: (0, box) for id, box in BOXES.items()}
    alone, _ = streamed(segmenter, pictures, {k: v for k, v in prompts.items() if k != 2})
    memory = VideoMemory(segmenter)
    for n, picture in enumerate(pictures):
        tracked = memory.advance(segmenter.encode(to_device(torch.from_numpy(picture), "cpu")))
        if n == 0:
            memory.prompt(list(BOXES), list(BOXES.values()))
        if n == 3:
            memory.forget([2])
    assert sorted(tracked) == sorted(memory.ids) == [1, 3]
    for id in (1, 3):
        low = torch.nn.functional.interpolate(tracked[id].logits.float(), (96, 96), mode="bilinear")[0, 0].numpy()
        np.testing.assert_allclose(low, alone[7][id], atol=2e-3, rtol=0)


def test_memory_of_the_past_stops_growing(segmenter) -> None:
    memory, sizes = VideoMemory(segmenter), []
    for picture in clip(40, 64, 64, seed=3):
        memory.advance(segmenter.encode(to_device(torch.from_numpy(picture), "cpu")))
        if not memory.ids:
            memory.prompt(list(BOXES), list(BOXES.values()))
        sizes.append(memory.bytes)
    assert sizes[3] < sizes[16]
    assert len(set(sizes[20:])) == 1
