"""A small Sweet Home furniture catalogue for tests: one model, a pyramid with a printed front."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

# A pyramid of 2 x 2 x 4, y up, without its base; its front (+z) is painted with a picture, the rest is red.
OBJ = """mtllib thing.mtl
v -1 0 -1
v 1 0 -1
v 1 0 1
v -1 0 1
v 0 4 0
vt 0 0
vt 1 0
vt 0.5 1
usemtl red
f 3 2 5
f 2 1 5
f 1 4 5
usemtl printed
f -2/1/1 -3/2/1 -1/3/1
"""
MTL = """newmtl red
Kd 0.9 0.1 0.1
d 0.5
newmtl printed
Kd 1 1 1
Ks 0.5 0.5 0.5
map_Kd picture.png
"""
LISTING = """id=SweetHome3D#Test
license=Public domain
id#1=Test#thing
name#1=Thing
creator#1=Somebody
model#1=/test/thing/thing.obj
width#1=10
depth#1=20
height#1=30
id#2=Test#group
name#2=No model of its own
"""


def pack(path: Path, listing: str = LISTING, obj: str = OBJ) -> Path:
    picture = np.zeros((1024, 512, 3), np.uint8)
    picture[:512] = (255, 0, 0)  # blue above, as OpenCV has it
    with ZipFile(path, "w") as packed:
        packed.writestr("PluginFurnitureCatalog.properties", listing.encode("latin-1"))
        packed.writestr("test/thing/thing.obj", obj)
        packed.writestr("test/thing/thing.mtl", MTL)
        packed.writestr("test/thing/picture.png", cv2.imencode(".png", picture)[1].tobytes())
    return path
