"""The parts of the page that show something: answer, twin, standing questions, history, diagnostics.

All text goes through labels and table cells, which show it as it is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from diagnostic_msgs.msg import DiagnosticStatus
from nicegui import ui

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..errors import status_name
from ..ros.scene_feed import HealthReport
from . import texts
from .answer_log import AnswerLog, Entry
from .rows import Rows
from .viewer import STALE_S

GOOD, NEUTRAL, BAD = "good", "neutral", "bad"  # classes of style.css
LEVELS = {DiagnosticStatus.OK: (GOOD, "ok"), DiagnosticStatus.WARN: (NEUTRAL, "warning")}
HISTORY = 40  # rows


class StatusTag:
    """The name of a status in its colour."""

    def __init__(self) -> None:
        self.label = ui.label().classes("tag")

    def show(self, status: int) -> None:
        kind = {Answer.OK: GOOD, Answer.NO_MATCH: NEUTRAL}.get(status, BAD)
        self.label.set_text(status_name(status))
        self.label.classes(kind, remove=f"{GOOD} {NEUTRAL} {BAD}")


class AnswerPanel:
    """One answer: status, message, what was found, reason, executed steps."""

    def __init__(self) -> None:
        self._shown: object = None
        with ui.element("section").classes("panel answer") as self._panel:
            with ui.element("div").classes("line"):
                self._status = StatusTag()
                self._question = ui.label().classes("question")
            self._message = ui.label().classes("message")
            found = ui.element("ul").classes("found")
            self._reason = ui.label().classes("reason")
            self._steps_title = ui.label("Executed steps").classes("small-title")
            steps = ui.element("ol").classes("steps")
        self._found: Rows[str] = Rows(found, lambda _: _text_row("li"))
        self._steps: Rows[tuple[str, str]] = Rows(steps, _step_row)
        self.show(None, None)

    def show(self, entry: Entry | None, twin: SceneGraph | None) -> None:
        """twin: names things that only the steps speak of."""
        answer = Answer(message="No question was asked yet.") if entry is None else entry.answer
        names = texts.names_of(answer, twin)
        found = [*texts.commands(answer, names), *texts.objects(answer)]
        steps = texts.steps(answer, names)
        content = (answer.text, answer.status, answer.message, answer.reason, found, steps, entry is None)
        if content == self._shown:
            return
        self._shown = content
        self._status.show(answer.status)
        self._status.label.set_visibility(entry is not None)
        for label, text in (
            (self._question, answer.text),
            (self._message, answer.message),
            (self._reason, answer.reason),
        ):
            label.set_text(text)
            label.set_visibility(bool(text))
        self._found.show({str(n): line for n, line in enumerate(found)})
        self._steps.show({str(n): step for n, step in enumerate(steps)})
        self._steps_title.set_visibility(bool(steps))


class TwinTable:
    """The instances of the newest twin; those of the selected answer are marked."""

    def __init__(self) -> None:
        with ui.element("section").classes("panel twin"):
            with ui.element("div").classes("line"):
                ui.label("Twin").classes("title")
                self._count = ui.label().classes("quiet")
            self._table = ui.table(columns=texts.COLUMNS, rows=[], row_key="id")
        self._table.props('flat dense wrap-cells :grid="Quasar.Screen.lt.sm"')
        self._table.props(
            """:table-row-class-fn="row => row.found ? 'marked' : ''" no-data-label="Nothing is in view." """
        )
        self._table.props(""":card-class="'twin-card'" """)

    def show(self, twin: SceneGraph | None, chosen: Iterable[int]) -> None:
        rows = [] if twin is None else texts.rows(twin, chosen)
        if rows != self._table.rows:
            self._table.rows = rows
        count = "" if twin is None else f"{len(rows)} things, in {twin.header.frame_id or 'no frame'}"
        self._count.set_text(count)


class StandingList:
    """Standing questions with what they find now; a tap shows one, a button stops it."""

    def __init__(self, select: Callable[[Entry], object], stop: Callable[[str], object], log: AnswerLog) -> None:
        self._select, self._stop, self._log = select, stop, log
        with ui.element("section").classes("panel standing"):
            ui.label("Standing questions").classes("title")
            self._none = ui.label("None. Ask with “Follow” and the answer is kept up to date.").classes("quiet")
            rows = ui.element("div").classes("rows")
        self._rows: Rows[tuple[str, int, str, str, bool]] = Rows(rows, self._row)

    def show(self, selected: Entry | None) -> None:
        now, items = time.monotonic(), {}
        for key, entry in self._log.standing.items():
            age_s, answer = now - entry.came_s, entry.answer
            age = f"no answer for {texts.seconds(age_s)}" if age_s > STALE_S else ""
            items[key] = (answer.text, answer.status, texts.found(answer), age, entry is selected)
        self._rows.show(items)
        self._none.set_visibility(not items)

    def _row(self, key: str) -> tuple[ui.element, Callable[[tuple[str, int, str, str, bool]], object]]:
        def chosen() -> None:
            if key in self._log.standing:
                self._select(self._log.standing[key])

        with ui.element("div").classes("row-item") as row:
            with ui.element("button").classes("row-main").on("click", chosen):
                status, text = StatusTag(), ui.label().classes("row-text")
                gave, age = ui.label().classes("quiet"), ui.label().classes("age")
            ui.button("Stop", on_click=lambda: self._stop(key)).props("flat no-caps")

        def fill(item: tuple[str, int, str, str, bool]) -> None:
            status.show(item[1])
            for label, value in ((text, item[0]), (gave, item[2]), (age, item[3])):
                label.set_text(value)
            _mark(row, item[4])

        return row, fill


class HistoryList:
    """Answers, the newest first; a tap shows one."""

    def __init__(self, select: Callable[[Entry], object], log: AnswerLog) -> None:
        self._select, self._log = select, log
        with ui.element("section").classes("panel history"):
            ui.label("History").classes("title")
            rows = ui.element("div").classes("rows scroll")
        self._rows: Rows[tuple[Entry, bool]] = Rows(rows, self._row)

    def show(self, selected: Entry | None) -> None:
        newest = list(self._log.history)[: -HISTORY - 1 : -1]
        self._rows.show({str(e.number): (e, e is selected) for e in newest})

    def _row(self, key: str) -> tuple[ui.element, Callable[[tuple[Entry, bool]], object]]:
        def chosen() -> None:
            entry = self._log.entry(int(key))
            if entry is not None:
                self._select(entry)

        with ui.element("div").classes("row-item") as row, ui.element("button").classes("row-main").on("click", chosen):
            status, text = StatusTag(), ui.label().classes("row-text")
            gave, at = ui.label().classes("quiet"), ui.label().classes("age")

        def fill(item: tuple[Entry, bool]) -> None:
            entry, is_selected = item
            status.show(entry.answer.status)
            text.set_text(entry.answer.text)
            gave.set_text(texts.found(entry.answer))
            at.set_text(time.strftime("%H:%M:%S", time.localtime(entry.at_s)))
            _mark(row, is_selected)

        return row, fill


class DiagnosticsPanel:
    """What the nodes say of themselves on /diagnostics."""

    def __init__(self) -> None:
        with ui.element("details").classes("panel diagnostics"):
            with ui.element("summary"):
                ui.label("Diagnostics").classes("title")
                self._counts = ui.label().classes("quiet")
            parts = ui.element("div").classes("rows")
        self._rows: Rows[tuple[str, str, str, dict[str, str]]] = Rows(parts, self._row)

    def show(self, health: Mapping[str, HealthReport]) -> None:
        now, items = time.monotonic(), {}
        for name, report in sorted(health.items()):
            kind, level = LEVELS.get(report.status.level, (BAD, "error"))
            message, age_s = report.status.message, now - report.came_s
            if age_s > STALE_S:
                kind, level, message = BAD, "silent", f"for {texts.seconds(age_s)}; before: {message}"
            items[name] = (kind, level, message, {v.key: v.value for v in report.status.values})
        self._rows.show(items)
        counts = Counter(level for _, level, _, _ in items.values())
        said = ", ".join(f"{count} {level}" for level, count in counts.items())
        self._counts.set_text(said or "nothing has come on /diagnostics from this namespace")

    def _row(self, key: str) -> tuple[ui.element, Callable[[tuple[str, str, str, dict[str, str]]], object]]:
        with ui.element("details").classes("part") as row:
            with ui.element("summary"):
                level = ui.label().classes("tag")
                ui.label(key).classes("row-text")
                message = ui.label().classes("quiet")
            grid = ui.element("dl").classes("values")
        values: Rows[str] = Rows(grid, _value_row)

        def fill(item: tuple[str, str, str, dict[str, str]]) -> None:
            level.set_text(item[1])
            level.classes(item[0], remove=f"{GOOD} {NEUTRAL} {BAD}")
            message.set_text(item[2])
            values.show(item[3])

        return row, fill


def _mark(row: ui.element, selected: bool) -> None:
    row.classes(add="marked" if selected else "", remove="" if selected else "marked")


def _text_row(tag: str) -> tuple[ui.element, Callable[[str], object]]:
    with ui.element(tag) as row:
        label = ui.label()
    return row, label.set_text


def _step_row(_: str) -> tuple[ui.element, Callable[[tuple[str, str]], object]]:
    with ui.element("li") as row:
        call, gave = ui.label().classes("call"), ui.label().classes("gave")

    def fill(item: tuple[str, str]) -> None:
        call.set_text(item[0])
        gave.set_text(item[1])

    return row, fill


def _value_row(key: str) -> tuple[ui.element, Callable[[str], object]]:
    with ui.element("div") as row:
        with ui.element("dt"):
            ui.label(key)
        with ui.element("dd"):
            value = ui.label()
    return row, value.set_text
