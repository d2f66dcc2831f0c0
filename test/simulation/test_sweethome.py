"""Sweet Home's models: catalogues and OBJ files as they are packed, in the size and pose that the catalogue says."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from small_furniture import LISTING, OBJ, pack

from fastreasonseg_ros.errors import ConfigError, DatasetError
from fastreasonseg_ros.evaluation.metrics.synonyms import load_synonyms
from fastreasonseg_ros.simulation.objects.household import KINDS
from fastreasonseg_ros.simulation.objects.shapes import box
from fastreasonseg_ros.simulation.objects.sweethome import library as sweethome
from fastreasonseg_ros.simulation.objects.sweethome.catalog import CATALOGS, read_catalog, read_table
from fastreasonseg_ros.simulation.objects.sweethome.library import Library, read_model, varied
from fastreasonseg_ros.simulation.objects.sweethome.obj import is_closed, read_obj


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return pack(tmp_path / "test.sh3f")


def test_a_catalogue_gives_sizes_in_metres_authors_and_the_licence(archive):
    (thing,) = read_catalog(archive).values()
    assert thing.size_m == (0.1, 0.2, 0.3)
    assert (thing.name, thing.creator, thing.license) == ("Thing", "Somebody", "Public domain")


def test_a_missing_or_damaged_catalogue_says_what_fetches_it(archive, tmp_path):
    for path in (tmp_path / "none.sh3f", tmp_path / "cut.sh3f"):
        (tmp_path / "cut.sh3f").write_bytes(archive.read_bytes()[:100])
        with pytest.raises(ConfigError, match=f"{path.name}.*train furniture"):
            read_catalog(path)
    with pytest.raises(DatasetError, match="Test#thing"):
        read_catalog(pack(tmp_path / "odd.sh3f", LISTING.replace("width#1=10", "width#1=wide")))


def test_a_model_stands_in_its_size_with_its_front_to_minus_y(archive):
    model = read_model(read_catalog(archive)["thing"])
    points = model.vertices()
    assert points.min(axis=0) == pytest.approx([-0.05, -0.1, 0.0])
    assert points.max(axis=0) == pytest.approx([0.05, 0.1, 0.3])
    (red, paint), (printed, cover) = model.pieces
    assert paint.rgb == (0.9, 0.1, 0.1)
    assert (paint.alpha, paint.clear) == (0.5, True)
    front = printed.vertices[printed.vertices[:, 2] < 0.01]
    assert front[:, 1] == pytest.approx(-0.1)
    assert (cover.alpha, cover.clear, cover.glossy) == (1.0, False, 0.5)
    assert red.vertices[:, 2].max() == pytest.approx(0.3)


def test_the_upper_end_of_a_picture_is_at_the_upper_end_of_the_surface(archive):
    _, (printed, cover) = read_model(read_catalog(archive)["thing"]).pieces
    assert cover.texture is not None
    assert cover.texture.shape == (512, 256, 3)  # shrunk from 1024 lines
    assert cover.texture[10, 10].tolist() == [0, 0, 255]
    top = printed.vertices[:, 2] > 0.2
    assert printed.uv[top, 1] == pytest.approx(0.0)
    assert printed.uv[~top, 1] == pytest.approx(1.0)


def test_a_rotation_of_the_catalogue_is_applied_before_the_size(tmp_path):
    # The pyramid's tip (y) is turned to the front (z).
    listing = LISTING + "modelRotation#1=1 0 0 0 0 -1 0 1 0\n"
    model = read_model(read_catalog(pack(tmp_path / "lying.sh3f", listing))["thing"])
    points = model.vertices()
    assert np.ptp(points, axis=0) == pytest.approx([0.1, 0.2, 0.3])
    tip = points[points[:, 1] < -0.099]
    assert tip[:, 0] == pytest.approx(0.0)
    assert tip[:, 2] == pytest.approx(0.15)


def test_open_surfaces_are_seen_from_both_sides_and_closed_ones_from_outside(archive, tmp_path):
    with ZipFile(archive) as packed:
        (red, _), (printed, _) = read_obj(packed, "test/thing/thing.obj")
    assert (len(red.faces), len(printed.faces)) == (6, 2)
    assert red.volume() == pytest.approx(0.0)
    base = "f 1 2 3 4\n"
    closed = OBJ.replace("usemtl printed\n", "") + base
    with ZipFile(pack(tmp_path / "closed.sh3f", obj=closed)) as packed:
        ((mesh, _),) = read_obj(packed, "test/thing/thing.obj")
    assert len(mesh.faces) == 6
    assert mesh.volume() == pytest.approx(2 * 2 * 4 / 3)
    inside_out = "".join(
        "f " + " ".join(reversed(line.split()[1:])) + "\n" if line.startswith("f ") else line + "\n"
        for line in closed.splitlines()
    )
    with ZipFile(pack(tmp_path / "turned.sh3f", obj=inside_out)) as packed:
        ((turned, _),) = read_obj(packed, "test/thing/thing.obj")
    assert turned.volume() == pytest.approx(2 * 2 * 4 / 3)


def test_a_box_is_closed_and_without_a_triangle_it_is_not():
    cube = box((1, 1, 1))
    assert is_closed(cube.vertices, cube.faces)
    assert not is_closed(cube.vertices, cube.faces[1:])


def test_a_broken_model_is_named(tmp_path):
    for text, why in ((OBJ.replace("f 3 2 5", "f 3 2 99"), "98"), (OBJ.replace("v 0 4 0", "v 0 up 0"), "up")):
        with (
            ZipFile(pack(tmp_path / "broken.sh3f", obj=text)) as packed,
            pytest.raises(DatasetError, match=f"thing.obj.*{why}"),
        ):
            read_obj(packed, "test/thing/thing.obj")


def test_sizes_and_colours_vary_and_the_thing_still_stands(archive):
    model = read_model(read_catalog(archive)["thing"])
    some = [varied(model, np.random.default_rng(seed)) for seed in range(8)]
    heights = [float(m.vertices()[:, 2].max()) for m in some]
    assert 0.2 < min(heights) < max(heights) < 0.45
    assert all(m.vertices()[:, 2].min() == pytest.approx(0.0) for m in some)
    assert len({m.pieces[0][1].rgb for m in some}) == 8
    assert model.pieces[0][1].rgb == (0.9, 0.1, 0.1)


def test_round_things_collide_as_cylinders_and_long_ones_may_lie():
    def stands_and_solid(x: float, y: float, z: float, sides: int):
        angle = np.linspace(0, 2 * np.pi, sides, endpoint=False) + np.pi / 4
        ring = np.stack([x / 2 * np.cos(angle), y / 2 * np.sin(angle), 0 * angle], axis=1)
        ring = ring / np.abs(ring).max(axis=0, where=ring != 0, initial=1e-12) * [x / 2, y / 2, 1]
        points = np.concatenate([ring, ring + np.array([0, 0, z])])
        mesh = sweethome.Mesh(points, np.array([[0, 1, 2]], np.int32), np.zeros((len(points), 2)))
        model = sweethome._with_solids(((mesh, sweethome.Paint((1, 1, 1))),), (x, y, z))
        return len(model.stands), model.solids[0].kind

    assert stands_and_solid(0.06, 0.06, 0.2, 32) == (5, "cylinder")
    assert stands_and_solid(0.2, 0.2, 0.1, 32) == (1, "cylinder")
    assert stands_and_solid(0.06, 0.06, 0.2, 4) == (1, "box")
    assert stands_and_solid(0.06, 0.12, 0.2, 32) == (1, "box")


def test_the_table_names_at_least_120_kinds_with_those_made_by_rule_and_holds_models_out():
    table = read_table()
    learned = {kind for kind, out in table.values() if not out}
    held_out = {kind for kind, out in table.values() if out}
    assert len(learned | set(KINDS)) >= 120
    assert len(held_out) >= 40
    assert held_out <= learned | set(KINDS)  # what is measured can be known
    assert {key.partition("/")[0] for key in table} <= set(CATALOGS)


def test_words_for_kinds_stand_for_them_where_labels_are_compared():
    table = load_synonyms()
    assert table.agree("spectacles", "glasses")
    assert table.agree("notebook computer", "laptop")
    assert table.agree("toy", "toy car")
    assert not table.agree("toy car", "toy train")


@pytest.mark.parametrize("row", ["thing: mug", "Scopia/x: Mug", "Scopia/x: mug **", "Scopia/y: cup"])
def test_a_wrong_row_of_the_table_is_named_by_its_line(tmp_path, row):
    path = tmp_path / "models.txt"
    path.write_text(f"# comment\nScopia/y: cup *\n{row}\n")
    with pytest.raises(DatasetError, match=r"models.txt:3.*CATALOGUE/ID"):
        read_table(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four catalogues with the same thing, which is a lamp in one of them and held out in another."""
    for name in CATALOGS:
        pack(tmp_path / f"{name}.sh3f")
    rows = {"Scopia/thing": ("lamp", False), "KatorLegaz/thing": ("lamp", True)}
    monkeypatch.setattr(sweethome, "read_table", lambda: rows)
    return tmp_path


def test_a_library_makes_objects_of_its_side_of_the_split(folder):
    made = Library(folder).make("lamp", np.random.default_rng(0))
    assert (made.label, made.color) == ("lamp", None)
    assert Library(folder).kinds["lamp"][0].archive.stem == "Scopia"
    assert Library(folder, held_out=True).kinds["lamp"][0].archive.stem == "KatorLegaz"
    with pytest.raises(ConfigError, match="'cup'.*lamp"):
        Library(folder).make("cup", np.random.default_rng(0))


def test_another_version_of_the_package_and_furniture_are_refused(folder, monkeypatch):
    monkeypatch.setattr(sweethome, "read_table", lambda: {"Scopia/other": ("mug", False)})
    with pytest.raises(ConfigError, match=r"Scopia/other.*1\.8"):
        Library(folder)
    monkeypatch.setattr(sweethome, "read_table", lambda: {"Scopia/thing": ("mug", False)})
    pack(folder / "Scopia.sh3f", LISTING.replace("height#1=30", "height#1=80"))
    with pytest.raises(ConfigError, match=r"thing is longer"):
        Library(folder)


def test_a_scene_shows_them_beside_objects_made_by_rule(folder):
    pytest.importorskip("mujoco")
    from fastreasonseg_ros.simulation.objects.household import make_object
    from fastreasonseg_ros.simulation.scenes.placing import arrange
    from fastreasonseg_ros.simulation.scenes.scene import Scene
    from fastreasonseg_ros.simulation.scenes.truth import true_twin
    from fastreasonseg_ros.simulation.scenes.world import random_view, random_world

    rng = np.random.default_rng(1)
    objects = [Library(folder).make("lamp", rng), make_object("red box", rng)]
    with Scene(
        1, arrange(objects, "sparse", rng, 0.15), random_world(rng), random_view(rng, (160, 120)), (160, 120)
    ) as s:
        frame = s.render("none")
        assert frame.truth is not None
        assert dict(frame.truth.labels) == {1: "lamp", 2: "box"}
        assert min(np.count_nonzero(frame.truth.ids == k) for k in (1, 2)) > 100
        assert [i.label for i in true_twin(s, frame).instances] == ["lamp", "box"]
