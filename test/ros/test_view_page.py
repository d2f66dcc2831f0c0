"""The page of `fastreasonseg view` in a real browser, about real nodes: it asks, follows, shows, and costs little."""

from __future__ import annotations

import urllib.request

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("nicegui", reason="the extra view is not installed")
from browser import Tab, chromium, served  # noqa: F401
from planner import SPACE, planner_nodes, planner_robot  # noqa: F401
from processes import wait_for

from fastreasonseg_ros.ros.client import ReasonSegClient


@pytest.fixture(scope="module")
def address(robot: ReasonSegClient, tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("view"), SPACE) as address:
        yield address


@pytest.fixture
def tab(browser, address: str):
    tab = Tab(browser, address)
    tab.wait(".state", "live")
    yield tab
    tab.close()


def shown_picture(tab: Tab, address: str) -> np.ndarray:
    """The picture that the page shows now, in BGR."""
    path = tab.until(lambda: tab.page.locator(".picture img").get_attribute("src"), "a picture")
    data = urllib.request.urlopen(address + path).read()
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def test_a_question_is_typed_and_answer_steps_table_and_overlay_appear(tab: Tab, address: str) -> None:
    tab.ask("the plate")
    tab.wait(".answer .found", "2 white plate at -0.0")
    tab.wait(".answer .tag", "OK")
    assert tab.texts(".answer .question") == ["the plate"]
    assert tab.texts(".answer .message") == ["1 object: 2"]
    assert tab.texts(".answer .steps li") == ["a = find(label=plate) 2 white plate"]
    assert tab.texts(".answer .reason") != [""]
    tab.until(lambda: len(tab.texts(".twin tbody tr")) >= 3, "the table")
    heads = ["id", "label", "colour", "position x, y, z (m)", "size x, y, z (cm)", "score", "visible", "text on it"]
    assert [h.replace("arrow_upward", "").strip() for h in tab.texts(".twin th")] == heads
    row = next(t for t in tab.texts(".twin tbody tr") if "plate" in t)
    assert row.split()[:3] == ["2", "plate", "white"]
    tab.wait(".twin tr.marked", "plate")
    tab.wait(".history .row-item.marked", "the plate")

    def dimmed() -> bool:
        picture = shown_picture(tab, address)
        return picture[5:15, 5:315].mean() < 90 and picture[115:165, 125:185].mean() > 150

    tab.until(dimmed, "an overlay of the plate")
    assert tab.trouble == []


def test_nothing_found_is_said_with_its_reason_in_the_same_place(tab: Tab) -> None:
    tab.ask("the green mug")
    tab.wait(".answer .tag", "NO_MATCH")
    assert "nothing" in tab.texts(".answer .message")[0]


def test_two_pages_follow_a_question_and_either_may_stop_it(tab: Tab, browser, address: str) -> None:
    tab.ask("the mug", "Follow")
    tab.wait(".standing .row-item", "1 red mug")
    other = Tab(browser, address)
    other.wait(".standing .row-item", "1 red mug")
    other.wait(".answer .question", "the mug")  # the question that was asked last, by anyone
    tab.wait(".answer .found", "1 red mug at")
    places = set()
    tab.until(lambda: places.add(tab.texts(".answer .found")[0]) or len(places) > 2, "the mug to move on the page")
    other.ask("the book")
    other.wait(".answer .question", "the book")
    tab.wait(".history .row-item", "the book")
    assert tab.texts(".answer .question") == ["the mug"]  # its own question stays
    tab.page.get_by_role("button", name="Show the newest question").click()
    tab.wait(".answer .question", "the book")
    other.page.get_by_role("button", name="Stop").click()
    for one in (tab, other):
        one.until(lambda one=one: not one.texts(".standing .row-item"), "the end of the question")
    other.close()


def test_a_question_is_given_up_and_the_node_stops(tab: Tab) -> None:
    cancel = tab.page.get_by_role("button", name="Cancel", exact=True)
    for end in ("smallest", "reddest", "tallest", "widest", "nearest", "highest"):

        def answered(end: str = end) -> list[str]:
            return [t for t in tab.texts(".history .row-item") if end in t]

        tab.ask(f"which of the objects left of the book and behind the plate is the {end} one on this page")
        tab.until(lambda answered=answered: cancel.is_visible() or answered(), "the question to be sent")
        cancel.dispatch_event("click")  # also where the answer came at this moment, and the button went
        cancel.wait_for(state="hidden")
        if tab.until(answered, "an answer")[0].startswith("CANCELLED"):
            return
    raise AssertionError("no question could be given up before its answer came")


def test_diagnostics_of_the_nodes_open_to_their_values(tab: Tab) -> None:
    tab.wait(".diagnostics > summary", "ok")
    tab.page.locator(".diagnostics > summary").click()
    tab.until(lambda: len(tab.texts(".part")) >= 8, "all parts")
    tab.page.locator(".part summary", has_text="twin_node: perception").click()
    tab.wait(".part[open] .values", "rate (Hz)")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 568), (1280, 900)])
def test_the_page_fits_phones_and_desks_and_fetches_nothing_from_elsewhere(
    browser, address: str, width: int, height: int
) -> None:
    tab = Tab(browser, address, width, height)
    tab.ask("the plate")
    tab.wait(".answer .found", "2 white plate")
    tab.until(lambda: tab.texts(".twin .q-table__card, .twin table"), "the twin")
    tab.page.locator(".diagnostics > summary").click()
    tab.wait(".diagnostics .part", "twin_node")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = "e => e.getBoundingClientRect().right > innerWidth + 1 && e.getBoundingClientRect().width > 0"
    outside = "e => e.closest('.page, .top') && !e.closest('.q-table__middle')"
    found = f"[...document.querySelectorAll('*')].filter({outside}).filter({wide}).map(e => e.outerHTML.slice(0, 99))"
    assert tab.page.evaluate(found) == []
    small = "[...document.querySelectorAll('.ask .q-btn')].filter(e => e.offsetHeight && e.offsetHeight < 40).length"
    assert tab.page.evaluate(small) == 0  # a finger hits them
    assert [url for url in tab.fetched if not url.startswith((address, "data:", "blob:"))] == []
    tab.close()


def test_a_picture_is_sent_only_when_the_browser_has_the_last_one(tab: Tab) -> None:
    held, holding = [], [True]
    tab.until(lambda: tab.pictures() > 2, "pictures")
    tab.page.route("**/picture?*", lambda route: held.append(route) if holding else route.continue_())
    tab.until(lambda: held, "a picture that is held back")
    asked = tab.pictures()
    for _ in range(12):
        tab.pause()
    assert tab.pictures() == asked  # a dozen twins later
    holding.clear()
    for route in held:
        route.continue_()
    tab.until(lambda: tab.pictures() > asked + 2, "further pictures")


def test_pictures_are_subscribed_to_only_while_somebody_looks(browser, address: str, robot: ReasonSegClient) -> None:
    def subscribers() -> int:
        return robot.node.count_subscribers("color/image_raw")

    wait_for(lambda: subscribers() == 1, what="twin_node alone to take pictures")
    tab, other = Tab(browser, address), Tab(browser, address)
    tab.until(lambda: subscribers() == 2 and tab.pictures() and other.pictures(), "one subscription for both pages")
    other.close()
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    tab.page.evaluate(hide % "true" + tell)
    tab.until(lambda: subscribers() == 1, "the subscription to end with a page in the background")
    asked = tab.pictures()
    tab.page.evaluate(hide % "false" + tell)
    tab.until(lambda: subscribers() == 2 and tab.pictures() > asked, "pictures again")
    tab.close()
    wait_for(lambda: subscribers() == 1, what="the subscription to end with the last page")
