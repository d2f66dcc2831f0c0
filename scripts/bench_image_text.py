"""Cost of naming things from pictures: a SigLIP 2 base of true size with random weights, exported as for a robot.

    python scripts/bench_image_text.py [--threads 1] [--tiny]

Prints processor time of a picture and of a text, loading times, sizes and resident memory. Needs the extra `names`,
4 GB of memory and 3 GB of disk. `--tiny` runs the same code with a small network.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from transformers import SiglipConfig, SiglipModel
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

from fastreasonseg_ros.image_text.export import prepare
from fastreasonseg_ros.image_text.model import ImageEncoder, TextEncoder
from fastreasonseg_ros.image_text.vocabulary import Entry

TOKENS, LENGTH = 256_000, 64  # of SigLIP 2's text encoder
REPEATS = 10


def make_checkpoint(folder: Path, tiny: bool) -> None:
    """The base model, or one of two narrow layers."""
    small = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48}
    layers = small if tiny else {}
    tokens = 1000 if tiny else TOKENS
    text = {**layers, "vocab_size": tokens, "max_position_embeddings": LENGTH, "projection_size": 32 if tiny else 768}
    SiglipModel(SiglipConfig(text_config=text, vision_config={**layers, "image_size": 224})).save_pretrained(folder)
    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *string.ascii_lowercase, "."]
    Siglip2Tokenizer(vocab={letter: k for k, letter in enumerate(letters)}, merges=[]).save_pretrained(folder)


def timed(name: str, work: Callable[[], object]) -> None:
    """Prints the median processor time of one call, after one that is not counted."""
    work()
    spent_ms = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent_ms.append(1e3 * (time.process_time() - start))
    print(f"{name}: {np.median(spent_ms):.0f} ms of processor time")


def memory_mib() -> float:
    return psutil.Process(os.getpid()).memory_info().rss / 2**20


def measure(exported: Path, threads: int) -> None:
    """Prints what both encoders cost."""
    picture = np.random.default_rng(0).integers(0, 255, (150, 150, 3)).astype(np.uint8)
    for encoder, what, one in (
        (ImageEncoder, "a picture", lambda e: e.embed(picture)),
        (TextEncoder, "a text", lambda e: e.embed(["This is a photo of peanuts."])),
    ):
        before, start = memory_mib(), time.process_time()
        loaded = encoder(exported, threads)
        print(f"{encoder.__name__}: loaded in {time.process_time() - start:.1f} s of processor time")
        timed(what, lambda one=one, loaded=loaded: one(loaded))
        print(f"{encoder.__name__}: {memory_mib() - before:.0f} MiB more resident")


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of naming things from pictures.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tiny", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["XDG_CACHE_HOME"] = temporary
        make_checkpoint(Path(temporary) / "model", args.tiny)
        start = time.process_time()
        exported = prepare(str(Path(temporary) / "model"), (Entry("mug"), Entry("bowl")))
        print(f"export: {time.process_time() - start:.0f} s of processor time")
        for file in ("image.bin", "text.bin"):
            print(f"{file}: {(exported / file).stat().st_size / 1e6:.0f} MB")
        # in a process without what made them
        beside = multiprocessing.get_context("spawn").Process(target=measure, args=(exported, args.threads))
        beside.start()
        beside.join()


if __name__ == "__main__":
    main()
