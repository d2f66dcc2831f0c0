"""Settings come from YAML and overrides, and every mistake is named with its file, its key and what was meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from fastreasonseg_ros.config import from_mapping, load_config
from fastreasonseg_ros.errors import ConfigError


@dataclass(frozen=True)
class PlaneConfig:
    tolerance_m: float = 0.01
    iterations: int = 200


@dataclass(frozen=True)
class PerceiverConfig:
    min_area_px: int = 80
    words: tuple[str, ...] = ()
    crop: tuple[int, int] | None = None
    mode: Literal["fast", "careful"] = "fast"
    plane: PlaneConfig = PlaneConfig(iterations=50)
    weights: dict[str, float] = field(default_factory=dict)
    model: Path | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.min_area_px < 1:
            raise ValueError(f"min_area_px must be positive, got {self.min_area_px}")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "perceiver.yaml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(PerceiverConfig) == PerceiverConfig()


def test_a_file_fills_every_kind_of_field(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "min_area_px: 3\nwords: [mug, cup]\ncrop: [4, 5]\nmode: careful\nverbose: true\n"
        "weights: {a: 1}\nmodel: x/y.bin\n"
        "plane:\n  tolerance_m: 5e-3\n",
    )
    config = load_config(PerceiverConfig, path)
    # plane.iterations keeps the default of its owner (50), not that of PlaneConfig (200)
    assert config == PerceiverConfig(
        3, ("mug", "cup"), (4, 5), "careful", PlaneConfig(0.005, 50), {"a": 1.0}, Path("x/y.bin"), True
    )


def test_overrides_win_over_the_file_and_later_ones_over_earlier_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "plane: {tolerance_m: 0.5, iterations: 1}\n")
    config = load_config(PerceiverConfig, path, ["plane.tolerance_m=2", "plane.tolerance_m=3", "words=[a, b]"])
    assert config.plane == PlaneConfig(3.0, 1)
    assert config.words == ("a", "b")


def test_an_unknown_key_names_the_file_the_key_and_the_nearest_name(tmp_path: Path) -> None:
    path = written(tmp_path, "plane:\n  tolerence_m: 0.5\n")
    with pytest.raises(ConfigError) as error:
        load_config(PerceiverConfig, path)
    assert (
        str(error.value) == f"{path}: unknown setting plane.tolerence_m of PlaneConfig; did you mean plane.tolerance_m?"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("min_area=3", "unknown setting min_area of PerceiverConfig; did you mean min_area_px?"),
        ("min_area_px=much", "setting min_area_px must be a whole number, got 'much'"),
        ("min_area_px=true", "setting min_area_px must be a whole number, got True"),
        ("min_area_px=1.5", "setting min_area_px must be a whole number, got 1.5"),
        ("plane.tolerance_m=wide", "setting plane.tolerance_m must be a number, got 'wide'"),
        ("plane=3", "setting plane must be a group of settings (tolerance_m, iterations), got 3"),
        ("crop=[1]", "setting crop must be a list of 2 values, got [1]"),
        ("words=mug", "setting words must be a list, got 'mug'"),
        ("words=[1]", "setting words[0] must be text (put it in quotes), got 1"),
        ("mode=carefull", "setting mode must be one of fast, careful (nearest: careful), got 'carefull'"),
        ("verbose=maybe", "setting verbose must be true or false, got 'maybe'"),
        ("weights={a: b}", "setting weights.a must be a number, got 'b'"),
        ("min_area_px", "is not of the form a.b=c"),
        ("min_area_px=0", "min_area_px must be positive, got 0"),
    ],
)
def test_a_wrong_override_says_what_was_expected(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(PerceiverConfig, overrides=[override])
    assert message in str(error.value)
    assert override in str(error.value)


def test_a_required_setting_that_nobody_gave_is_named() -> None:
    @dataclass(frozen=True)
    class Needy:
        path: str

    with pytest.raises(ConfigError, match="setting path of Needy is required"):
        from_mapping(Needy, {}, "node parameters")


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "is not valid YAML"), ("- 1\n- 2\n", "expected `key: value` lines, got list")]
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(PerceiverConfig, written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_config(PerceiverConfig, tmp_path / "nowhere.yaml")
