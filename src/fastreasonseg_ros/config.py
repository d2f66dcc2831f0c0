"""Settings: a frozen dataclass, filled from a YAML file and `a.b=c` overrides, checked against its annotations.

    @dataclass(frozen=True)
    class TabletopConfig:
        min_area_px: int = 80
        plane: PlaneConfig = PlaneConfig()

    load_config(TabletopConfig, "config/tabletop.yaml", ["plane.tolerance_m=0.01"])

Nothing is guessed: an unknown key or a value of the wrong type raises ConfigError with file, key and nearest name.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from .errors import ConfigError

T = TypeVar("T")


def load_config(cls: type[T], path: str | Path | None = None, overrides: Sequence[str] = ()) -> T:
    """A `cls` from the YAML mapping in `path`, then from overrides like "plane.tolerance_m=0.01"; later ones win.

    Fields may be bool, int, float, str, Path, Literal, optional, tuple, list, dict or nested dataclasses; what is not
    set keeps its default. Raises ConfigError naming the file (or the override), the key, and what was expected.
    """
    values = {} if path is None else _checked(cls, read_yaml(path), str(path))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"override {override!r} is not of the form a.b=c, for example plane.tolerance_m=0.01")
        try:
            nested = yaml.safe_load(text)
        except yaml.YAMLError:
            nested = text
        for part in reversed(key.strip().split(".")):
            nested = {part: nested}
        values = _merge(values, _checked(cls, nested, f"override {override!r}"))
    return _build(cls, values, " + ".join([str(path or "defaults"), *overrides]))


def from_mapping(cls: type[T], data: Mapping[str, Any], source: str = "settings") -> T:
    """A `cls` from nested plain values (ROS parameters, a part of a file). `source` names them in messages."""
    return _build(cls, _checked(cls, data, source), source)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping. Raises ConfigError."""
    try:
        data = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path of the settings file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, got {type(data).__name__}")
    return data


def _checked(cls: type, data: Mapping[str, Any], source: str, prefix: str = "") -> dict[str, Any]:
    """`data` with every key known and every value of its field's type; nested settings stay dicts."""
    hints = typing.get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls) if f.init]
    values = {}
    for key, value in data.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            hint = f"did you mean {prefix}{near[0]!s}?" if near else "it takes no settings"
            raise ConfigError(f"{source}: unknown setting {prefix}{key!s} of {cls.__name__}; {hint}")
        values[key] = _convert(hints[key], value, source, f"{prefix}{key}")
    return values


def _convert(hint: Any, value: Any, source: str, name: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)

    def fail(expected: str) -> ConfigError:
        return ConfigError(f"{source}: setting {name} must be {expected}, got {value!r}")

    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise fail(f"a group of settings ({', '.join(f.name for f in dataclasses.fields(hint))})")
        return _checked(hint, value, source, f"{name}.")  # type: ignore[arg-type]
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        problems = []
        for option in (a for a in args if a is not type(None)):
            try:
                return _convert(option, value, source, name)
            except ConfigError as error:
                problems.append(error)
        raise problems[0]
    if origin is Literal:
        if value not in args:
            near = difflib.get_close_matches(str(value), [str(a) for a in args], n=1, cutoff=0.0)
            raise fail(f"one of {', '.join(map(str, args))} (nearest: {near[0]})")
        return value
    if origin in (tuple, list):
        if not isinstance(value, list | tuple):
            raise fail("a list")
        any_length = origin is list or args[-1] is Ellipsis
        if not any_length and len(value) != len(args):
            raise fail(f"a list of {len(args)} values")
        kinds = [args[0]] * len(value) if any_length else args
        return origin(_convert(k, v, source, f"{name}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise fail("a mapping")
        return {
            _convert(args[0], k, source, name): _convert(args[1], v, source, f"{name}.{k}") for k, v in value.items()
        }
    if hint is bool:
        good, expected = isinstance(value, bool), "true or false"
    elif hint is int:
        good, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif hint is float:
        if isinstance(value, str):  # YAML 1.1 reads 5e-5 as text
            try:
                return float(value)
            except ValueError:
                raise fail("a number") from None
        good, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        value = float(value) if good else value
    elif hint in (str, Path):
        good, expected = isinstance(value, str | hint), "text (put it in quotes)"
        value = hint(value) if good else value
    else:
        good, expected = isinstance(value, hint), hint.__name__
    if not good:
        raise fail(expected)
    return value


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _build(cls: type[T], values: Mapping[str, Any], source: str, base: Any = None, prefix: str = "") -> T:
    """The dataclass itself; `base` holds the defaults of a group of settings that its owner's default changed."""
    hints = typing.get_type_hints(cls)
    made: dict[str, Any] = {}
    for f in (f for f in dataclasses.fields(cls) if f.init):  # type: ignore[arg-type]
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        default = getattr(base, f.name) if base is not None else default
        group = next((h for h in (hints[f.name], *typing.get_args(hints[f.name])) if dataclasses.is_dataclass(h)), None)
        if group is not None and isinstance(values.get(f.name), dict):
            start = default if dataclasses.is_dataclass(default) else None
            made[f.name] = _build(group, values[f.name], source, start, f"{prefix}{f.name}.")  # type: ignore[arg-type]
        elif f.name in values:
            made[f.name] = values[f.name]
        elif default is MISSING:
            raise ConfigError(f"{source}: setting {prefix}{f.name} of {cls.__name__} is required")
        else:
            made[f.name] = default
    try:
        return cls(**made)
    except (TypeError, ValueError) as error:  # a dataclass may check its own values
        raise ConfigError(f"{source}: {error}") from error
