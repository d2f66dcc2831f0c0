"""The page of `fastreasonseg annotate`: pictures to click points in, labels and questions to type. By NiceGUI."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from nicegui import app, ui
from nicegui.events import KeyEventArguments, MouseEventArguments
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ...errors import ConfigError, DatasetError
from ...io.datasets.marks import CATEGORIES, Asked, Marks, Point, Thing
from ...twin.types import COLORS
from .annotations import Annotation

HOST = "127.0.0.1"  # pictures and files of this machine are nobody else's
NEW, BACKGROUND = 0, -1  # what a click marks, beside ids of things
HUES = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#0aa", "#f032e6", "#9a6324", "#808000", "#000075")


class AnnotationPage:
    """One browser's page about the annotations, which all browsers share. chosen: what a click marks."""

    def __init__(self, pictures: Sequence[Annotation]) -> None:
        self._pictures, self._at, self.chosen = pictures, 0, NEW
        names = {n: a.folder.name for n, a in enumerate(pictures)}
        with ui.row().classes("full-width items-center"):
            ui.button(icon="navigate_before", on_click=lambda: self._go(self._at - 1)).props("aria-label=Before")
            self._select = ui.select(names, value=0, label="Picture", on_change=lambda e: self._go(e.value))
            ui.button(icon="navigate_next", on_click=lambda: self._go(self._at + 1)).props("aria-label=Next")
            ui.button("Undo", icon="undo", on_click=self._undo)
            self._state = ui.label().classes("state")
        with ui.row().classes("full-width no-wrap items-start"):
            with ui.column().style("flex: 3; min-width: 0"):
                self._image = ui.interactive_image(on_mouse=self._clicked, events=["click"], cross=True)
                self._image.classes("picture full-width")
            with ui.column().style("flex: 1; min-width: 18rem"):
                self._label = ui.input("Label", on_change=self._renamed).classes("full-width")
                self._also = ui.input("Other words, with commas between", on_change=self._renamed).classes("full-width")
                self._color = ui.select([*COLORS], label="Colour", clearable=True, on_change=self._renamed)
                self._color.classes("full-width")
                ui.button("New thing", icon="add", on_click=lambda: self._choose(NEW))
                self._things = ui.column().classes("things full-width")
        with ui.column().classes("full-width"):
            with ui.row().classes("full-width items-center"):
                self._text = ui.input("Question").style("flex: 1")
                self._targets = ui.select({}, multiple=True, value=[], label="Means (none: it is not there)")
                self._targets.style("min-width: 16rem").props("use-chips")
                self._category = ui.select(list(CATEGORIES), value=CATEGORIES[0], label="Category")
                self._level = ui.select([1, 2, 3], value=1, label="Level")
                ui.button("Add question", icon="add", on_click=self._ask)
            self._questions = ui.column().classes("questions full-width")
        ui.keyboard(on_key=self._key)
        self._filling = False  # fields are being filled by the page itself
        self._go(0)

    @property
    def _annotation(self) -> Annotation:
        return self._pictures[self._at]

    @property
    def _marks(self) -> Marks:
        return self._annotation.marks

    def _go(self, at: int) -> None:
        if self._at == at and self._image.source:
            return
        self._at = at % len(self._pictures)
        self._select.value = self._at
        self._image.set_source(self._annotation.picture)
        self._choose(NEW)

    def _choose(self, chosen: int) -> None:
        self.chosen = chosen
        thing = self._marks.thing(chosen)
        self._filling = True
        self._label.value = thing.label if thing else ""
        self._also.value = ", ".join(thing.also) if thing else ""
        self._color.value = thing.color if thing and thing.color in COLORS else None
        self._filling = False
        self._show()

    def _clicked(self, event: MouseEventArguments) -> None:
        point = self._annotation.inside(event.image_x, event.image_y)
        if self.chosen == BACKGROUND:
            self._change(replace(self._marks, background=(*self._marks.background, point)))
            return
        thing = self._marks.thing(self.chosen)
        if thing is None:
            if not _said(self._label):
                ui.notify("Type the thing's label first, or choose the background", type="warning")
                return
            thing = self._typed(Thing(self._marks.free_id, ""))
        if self._change(self._marks.with_thing(replace(thing, points=(*thing.points, point)))):
            self.chosen = thing.id
            self._show()

    def _typed(self, thing: Thing) -> Thing:
        also = tuple(word for part in _said(self._also).split(",") if (word := part.strip()))
        return replace(thing, label=_said(self._label), also=also, color=self._color.value or "")

    def _renamed(self) -> None:
        thing = self._marks.thing(self.chosen)
        if thing is not None and not self._filling and _said(self._label):
            changed = self._typed(thing)
            if not self._color.value and thing.color not in COLORS:
                changed = replace(changed, color=thing.color)  # a word that the list does not have
            if changed != thing:
                self._change(self._marks.with_thing(changed))

    def _ask(self) -> None:
        if not (text := _said(self._text)):
            ui.notify("Type the question first", type="warning")
            return
        asked = Asked(text, tuple(self._targets.value), self._category.value, self._level.value)
        if self._change(replace(self._marks, questions=(*self._marks.questions, asked))):
            self._text.value, self._targets.value = "", []

    def _change(self, marks: Marks) -> bool:
        """Whether it is on disk."""
        try:
            self._annotation.change(marks)
        except DatasetError as error:
            ui.notify(str(error), type="negative", timeout=0, close_button=True)
            return False
        self._show()
        return True

    def _undo(self) -> None:
        try:
            undone = self._annotation.undo()
        except DatasetError as error:
            ui.notify(str(error), type="negative", timeout=0, close_button=True)
            return
        if not undone:
            ui.notify("There is nothing to undo")
        self._choose(self.chosen if self.chosen == BACKGROUND or self._marks.thing(self.chosen) else NEW)

    def _key(self, event: KeyEventArguments) -> None:
        if event.action.keydown and event.modifiers.ctrl and event.key.name == "z":
            self._undo()

    def _show(self) -> None:
        marks = self._marks
        self._image.content = _drawn(marks, self.chosen)
        points = sum(len(t.points) for t in marks.things)
        self._state.text = (
            f"{len(marks.things)} things, {points} points in them, {len(marks.background)} of the background, "
            f"{len(marks.questions)} questions: saved"
        )
        self._targets.set_options({t.id: f"{t.id} {t.label}" for t in marks.things})
        self._things.clear()
        with self._things:
            for thing in marks.things:
                self._row(thing)
            line = ui.button(
                f"Background: {len(marks.background)} points", on_click=lambda: self._choose(BACKGROUND)
            ).props("flat no-caps align=left")
            if self.chosen == BACKGROUND:
                line.classes("chosen").style("font-weight: bold; text-decoration: underline")
        self._questions.clear()
        with self._questions:
            for n, asked in enumerate(marks.questions):
                with ui.row().classes("question items-center"):
                    meant = ", ".join(map(str, asked.target_ids)) or "not there"
                    ui.label(f"{asked.text} ({meant}; {asked.category}, level {asked.level})")
                    _remove_button(f"Remove question {n + 1}", lambda n=n: self._drop_question(n))

    def _row(self, thing: Thing) -> None:
        with ui.row().classes("thing items-center no-wrap"):
            text = f"{thing.id} {thing.label}: {len(thing.points)} points"
            line = ui.button(text, on_click=lambda: self._choose(thing.id)).props("flat no-caps align=left")
            line.style(f"color: {_hue(thing.id)} !important")
            if self.chosen == thing.id:
                line.classes("chosen").style("font-weight: bold; text-decoration: underline")
            _remove_button(f"Remove thing {thing.id}", lambda: self._drop(thing.id))

    def _drop(self, id: int) -> None:
        if self._change(self._marks.without_thing(id)) and self.chosen == id:
            self._choose(NEW)

    def _drop_question(self, n: int) -> None:
        left = tuple(q for k, q in enumerate(self._marks.questions) if k != n)
        self._change(replace(self._marks, questions=left))


def _said(field: ui.input) -> str:
    return (field.value or "").strip()


def _remove_button(name: str, action) -> None:
    ui.button(icon="delete", on_click=action).props(f'flat dense aria-label="{escape(name)}"')


def _hue(id: int) -> str:
    return HUES[(id - 1) % len(HUES)]


def _drawn(marks: Marks, chosen: int) -> str:
    """SVG over the picture, in its pixels: a dot a point with the thing's id, a cross a point of the background."""
    parts = []
    for thing in marks.things:
        radius = 7 if thing.id == chosen else 5
        for x, y in thing.points:
            parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{_hue(thing.id)}" stroke="white" />')
            parts.append(_text(thing.id, (x, y)))
    for x, y in marks.background:
        parts.append(
            f'<path d="M {x - 5} {y - 5} l 10 10 m 0 -10 l -10 10" stroke="white" stroke-width="4" />'
            f'<path d="M {x - 5} {y - 5} l 10 10 m 0 -10 l -10 10" stroke="black" stroke-width="2" />'
        )
    return "".join(parts)


def _text(id: int, at: Point) -> str:
    style = 'font-size="14" fill="white" stroke="black" stroke-width="3" paint-order="stroke"'
    return f'<text x="{at[0] + 8}" y="{at[1] + 5}" {style}>{id}</text>'


def serve(pictures: Sequence[Annotation], port: int) -> None:
    """Serves the page on loopback until the process is interrupted. Raises ConfigError where the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be served ({error.strerror}); give a free one with --port"
            ) from error

    @ui.page("/", title="fastreasonseg annotate")
    def index() -> None:
        AnnotationPage(pictures)

    # Only by loopback's own names: a page of the internet may make its name lead to 127.0.0.1 (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", HOST])
    app.on_startup(lambda: print(f"fastreasonseg annotate: http://{HOST}:{port} (end with Ctrl-C)", flush=True))
    with contextlib.suppress(KeyboardInterrupt):
        ui.run(
            host=HOST,
            port=port,
            title="fastreasonseg annotate",
            dark=None,
            tailwind=False,
            reload=False,
            show=False,
            show_welcome_message=False,
            timeout_graceful_shutdown=2,
        )
