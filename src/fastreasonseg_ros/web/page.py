"""The page of one browser: ask box, picture, and the panels; what it selects and waits for is its own."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from nicegui import background_tasks, ui
from nicegui.client import Client
from nicegui.events import GenericEventArguments

from fastreasonseg_ros.msg import Answer

from ..errors import ReasonSegError
from .answer_log import Entry
from .panels import AnswerPanel, DiagnosticsPanel, HistoryList, StandingList, TwinTable
from .rows import Rows
from .viewer import Viewer

STYLE = Path(__file__).with_name("style.css")
REFRESH_S = 0.3  # between two looks at what changed, besides the picture
LOADED_S = 10.0  # a picture that did not load within this time is given up
ACCENT = "#0f8069"  # of buttons, on light and dark
LONGEST = 1000  # characters that the ask box takes
# Whether the page is seen: a tab in the background, or a phone in the pocket, costs no pictures.
SEEN = "document.addEventListener('visibilitychange', () => emitEvent('seen', !document.hidden))"


class Page:
    """Built in the context of the browser's client; see `Viewer` for what is shared with other browsers."""

    def __init__(self, viewer: Viewer, client: Client) -> None:
        self.viewer, self._client = viewer, client
        self._selected: Entry | None = None  # None: the question that was asked last, by anyone
        self._asking: asyncio.Task[Answer] | None = None
        self._loaded = asyncio.Event()
        self._streaming: asyncio.Task[None] | None = None
        self._pictures = 0
        self._build()
        self._timer = ui.timer(REFRESH_S, self.refresh)
        ui.add_body_html(f"<script>{SEEN}</script>")
        ui.on("seen", lambda event: self._seen(bool(event.args)))
        client.on_connect(lambda: self._seen(True))
        client.on_disconnect(lambda: self._seen(False))
        client.on_delete(lambda: self._seen(False))

    def _build(self) -> None:
        ui.add_css(STYLE)
        ui.colors(primary=ACCENT)
        with ui.element("header").classes("top"):
            ui.label("fastreasonseg").classes("name")
            ui.label(self.viewer.feed.namespace).classes("quiet")
            self._state = ui.label().classes("state")
        self._problems: Rows[str] = Rows(ui.element("div").classes("problems").props("role=status"), _problem)
        with ui.element("main").classes("page"):
            with ui.element("section").classes("panel picture"):
                self._image = ui.interactive_image(events=[]).props('role=img aria-label="Picture of the camera"')
                self._image.on("loaded", self._picture_loaded, [])
                self._caption = ui.label("Waiting for a picture").classes("caption")
            with ui.element("div").classes("side"):
                self._build_ask()
                self._answer = AnswerPanel()
                self._newest = ui.button("Show the newest question", on_click=lambda: self.select(None))
                self._newest.props("flat dense no-caps").classes("newest")
                self._standing = StandingList(self.select, self._stop, self.viewer.log)
                self._history = HistoryList(self.select, self.viewer.log)
            self._twin = TwinTable()
            self._diagnostics = DiagnosticsPanel()

    def _build_ask(self) -> None:
        with ui.element("section").classes("panel ask"):
            self._text = ui.input(placeholder="Ask: something to drink from, closest to the plate")
            self._text.props(f'outlined dense clearable maxlength={LONGEST} aria-label="Question"').classes("ask-text")
            self._text.on("keydown.enter", self._ask)
            with ui.element("div").classes("line buttons"):
                self._ask_button = ui.button("Ask", on_click=self._ask).props("unelevated no-caps")
                self._follow_button = ui.button("Follow", on_click=self._follow).props("outline no-caps")
                self._cancel_button = ui.button("Cancel", on_click=self._cancel).props("flat no-caps")
                self._spinner = ui.spinner(size="1.5em")
            self._progress = ui.label().classes("progress quiet")
        self._show_asking("")

    # What the browser shows.

    @property
    def shown(self) -> Entry | None:
        """The entry whose answer and objects are shown."""
        log, chosen = self.viewer.log, self._selected
        return chosen if chosen is not None else log.newest

    def select(self, entry: Entry | None) -> None:
        """Shows this entry until another one is chosen; None: always the question that was asked last."""
        self._selected = entry
        self.refresh()

    def refresh(self) -> None:
        """Brings everything but the picture up to date; what did not change is not sent."""
        if self._client.is_deleted:  # the browser went while its question was answered
            return
        viewer, entry = self.viewer, self.shown
        twin, problems = viewer.feed.twin, viewer.problems()
        self._problems.show({text: text for text in problems})
        self._state.set_text(f"{len(problems)} problem{'s' * (len(problems) > 1)}" if problems else "live")
        self._state.classes("bad" if problems else "good", remove="good" if problems else "bad")
        self._answer.show(entry, twin)
        self._newest.set_visibility(self._selected is not None and self._selected is not viewer.log.newest)
        drawn = set() if entry is None else {i.id for i in (*entry.answer.instances, *entry.answer.destinations)}
        self._twin.show(twin, drawn)
        self._standing.show(entry)
        self._history.show(entry)
        self._diagnostics.show(viewer.feed.health)

    def _seen(self, seen: bool) -> None:
        self._timer.active = seen
        if seen:
            self.viewer.look(self._client.id)
            if self._streaming is None:
                self._streaming = background_tasks.create(self._stream(), name="pictures")
        else:
            self.viewer.look_away(self._client.id)
            if self._streaming is not None:
                self._streaming.cancel()
            self._streaming = None

    async def _stream(self) -> None:
        """Sends the browser to the next picture when it has loaded the last one, so at its own pace."""
        feed, last = self.viewer.feed, None
        while True:
            entry = self.shown
            frame = feed.frame(paired=entry is not None and entry.shows_objects)
            objects = None if entry is None else (entry.number, tuple(entry.answer.ids))
            if frame is None or (frame.key, objects) == last:
                await feed.change(REFRESH_S)
                continue
            last = (frame.key, objects)
            self._pictures += 1
            self._loaded.clear()
            self._image.set_source(f"/picture?entry={entry.number if entry else 0}&n={self._pictures}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._loaded.wait(), LOADED_S)

    def _picture_loaded(self, _: GenericEventArguments) -> None:
        self._caption.set_visibility(False)
        self._loaded.set()

    # What the browser asks.

    async def _ask(self) -> None:
        text = (self._text.value or "").strip()
        await self._wait_for(text, lambda: self.viewer.client.reason(text, self._heard, self.viewer.settings.timeout_s))

    async def _follow(self) -> None:
        text = (self._text.value or "").strip()
        await self._wait_for(text, lambda: self.viewer.client.watch(text, self.viewer.settings.timeout_s))

    async def _wait_for(self, text: str, call) -> None:
        if self._asking is not None or not text:
            return
        answer = self.viewer.missing(text)
        if answer is None:
            self._show_asking("Sent")
            self._asking = background_tasks.create(call(), name="question", handle_exceptions=False)
            try:
                answer = await self._asking
            except ReasonSegError as error:
                answer = self.viewer.unreached(text, error)
            except asyncio.CancelledError:
                if not self._asking.cancelled():
                    raise
                return  # the node's last answer to it comes by the topic
            finally:
                self._asking = None
                self._show_asking("")
        self.select(self.viewer.log.add(answer))

    def _cancel(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    async def _stop(self, query_id: str) -> None:
        try:
            reply = await self.viewer.client.unwatch(query_id)
        except ReasonSegError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        if reply.status != Answer.OK:  # its node was started again, and does not know it
            self.viewer.log.forget(query_id)
            self.refresh()

    def _heard(self, stage: str, so_far: str) -> None:
        if not self._client.is_deleted:
            self._progress.set_text(f"{stage}: {so_far}" if so_far else stage)

    def _show_asking(self, progress: str) -> None:
        if self._client.is_deleted:
            return
        waiting = bool(progress)
        self._progress.set_text(progress)
        for element in (self._cancel_button, self._spinner, self._progress):
            element.set_visibility(waiting)
        for button in (self._ask_button, self._follow_button):
            button.set_enabled(not waiting)


def _problem(_: str):
    row = ui.label().classes("problem")
    return row, row.set_text
