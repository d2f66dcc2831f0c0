"""A list on the page whose rows stay the same elements while their content changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from nicegui import ui

T = TypeVar("T")


class Rows(Generic[T]):
    """Elements by key in a container.

    make: builds the row of a key, and gives a function that fills it; it is called with every item that differs.
    """

    def __init__(self, container: ui.element, make: Callable[[str], tuple[ui.element, Callable[[T], object]]]) -> None:
        self._container, self._make = container, make
        self._rows: dict[str, tuple[ui.element, Callable[[T], object]]] = {}
        self._shown: dict[str, T] = {}

    def show(self, items: Mapping[str, T]) -> None:
        """Rows of exactly these keys, in this order. Items are compared: what is equal is not sent again."""
        for key in [k for k in self._rows if k not in items]:
            self._rows.pop(key)[0].delete()
            del self._shown[key]
        for key in items:
            if key not in self._rows:
                with self._container:
                    self._rows[key] = self._make(key)
        for index, (key, item) in enumerate(items.items()):
            row, fill = self._rows[key]
            children = self._container.default_slot.children
            if children[index] is not row:
                row.move(target_index=index)
            if key not in self._shown or self._shown[key] != item:
                self._shown[key] = item
                fill(item)
