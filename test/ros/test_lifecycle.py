"""What every node of the package does as a managed node, shown on a small one: states, parameters, diagnostics."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from diagnostic_msgs.msg import DiagnosticStatus
from echo import SPACE, World
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from processes import wait_for
from rcl_interfaces.srv import DescribeParameters
from std_msgs.msg import String


@pytest.fixture
def world(request: pytest.FixtureRequest):
    made = World("autostart:=false", "diagnostics_period_s:=0.1", *getattr(request, "param", ()))
    yield made
    made.close()


def test_a_lifecycle_manager_brings_the_node_up_and_down_again(world: World) -> None:
    assert world.state == "unconfigured"
    assert world.change(Transition.TRANSITION_CONFIGURE)
    assert world.state == "inactive"
    assert world.change(Transition.TRANSITION_ACTIVATE)
    assert world.state == "active"
    assert world.change(Transition.TRANSITION_DEACTIVATE)
    assert world.change(Transition.TRANSITION_CLEANUP)
    assert world.state == "unconfigured"
    assert world.echo.happened == ["load", "setup", "start", "stop", "free"]


def test_it_hears_and_speaks_only_while_it_is_active(world: World) -> None:
    heard: list[str] = []
    world.user.create_subscription(String, f"{SPACE}/out", lambda m: heard.append(m.data), 10)
    publisher = world.user.create_publisher(String, f"{SPACE}/in", 10)
    world.change(Transition.TRANSITION_CONFIGURE)
    assert publisher.get_subscription_count() == 0
    world.change(Transition.TRANSITION_ACTIVATE)
    wait_for(lambda: publisher.publish(String(data="hello")) or heard, what="an echo")
    assert set(heard) == {"HELLO"}
    world.change(Transition.TRANSITION_DEACTIVATE)
    wait_for(lambda: publisher.get_subscription_count() == 0, what="the end of its subscription")
    world.echo.out.publish(String(data="silent"))
    time.sleep(0.2)
    assert "silent" not in heard


@pytest.mark.parametrize(
    ("world", "status", "reason"),
    [
        (("model:=missing",), "MODEL_FAILED", "cannot configure: model.gguf is missing; get it with `make setup`"),
        (("model:=broken",), "MODEL_FAILED", "cannot configure: ValueError: corrupt"),
    ],
    indirect=["world"],
)
def test_a_bad_model_fails_configure_and_diagnostics_says_why(world: World, status: str, reason: str) -> None:
    part = world.statuses()
    assert not world.change(Transition.TRANSITION_CONFIGURE)
    assert world.state == "unconfigured"
    assert world.echo.happened == ["load", f"failed {status}", "free"]
    told = wait_for(lambda: (s := part("lifecycle")) and s.level == DiagnosticStatus.ERROR and s, what="an error")
    assert told.message == reason
    assert world.set(model="good") == ""
    assert world.change(Transition.TRANSITION_CONFIGURE)


def test_it_answers_while_a_model_loads(world: World) -> None:
    world.echo.may_load.clear()
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert world.state == "unconfigured"
    loading = world.call(ChangeState, "change_state", request, wait=False)
    wait_for(lambda: world.echo.happened, what="it to load")
    assert world.state == "configuring"
    assert not loading.done()
    world.echo.may_load.set()
    assert wait_for(loading.result, what="the end of configure").success


def test_a_load_that_failed_never_deactivates_a_node_that_is_active() -> None:
    """Autostart retries what failed; meanwhile a manager may have configured and activated the node."""
    world = World("model:=missing", "retry_s:=0.5")
    try:
        world.echo.bring_up()
        wait_for(lambda: "failed MODEL_FAILED" in world.echo.happened, what="a failed load")
        assert world.set(model="good") == ""
        wait_for(lambda: (world.state == "unconfigured" and world.change(Transition.TRANSITION_CONFIGURE)) or
                 world.state in ("inactive", "active"), what="a configured node")  # fmt: skip
        if world.state == "inactive":
            world.change(Transition.TRANSITION_ACTIVATE)
        wait_for(lambda: world.state == "active", what="the active state")
        time.sleep(1.5)  # longer than the pause before a retry
        assert world.state == "active"
        assert "stop" not in world.echo.happened
    finally:
        world.close()


def test_cleaned_up_while_it_is_loading_again_it_ends_in_one_state(world: World) -> None:
    """Transitions exclude each other: a cleanup that comes during configure waits for its end."""
    world.echo.may_load.clear()
    configure = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    loading = world.call(ChangeState, "change_state", configure, wait=False)
    wait_for(lambda: world.echo.happened, what="it to load")
    cleanup = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CLEANUP))
    early = world.call(ChangeState, "change_state", cleanup, wait=False)
    time.sleep(0.2)
    assert "free" not in world.echo.happened
    world.echo.may_load.set()
    assert wait_for(loading.result, what="the end of configure").success
    assert wait_for(early.result, what="the end of cleanup").success  # it came after configure
    assert world.state == "unconfigured"
    assert world.echo.happened == ["load", "setup", "free"]


def test_by_itself_it_comes_up_and_tries_again_what_failed() -> None:
    world = World("model:=missing", "retry_s:=0.1", "diagnostics_period_s:=0.1")
    try:
        world.echo.bring_up()
        wait_for(lambda: world.echo.happened.count("failed MODEL_FAILED") >= 2, what="a second try")
        assert world.set(model="good") == ""
        wait_for(lambda: world.state == "active", what="the active state")
        assert world.echo.happened[-2:] == ["setup", "start"]
    finally:
        world.close()
    assert world.echo.happened[-2:] == ["stop", "free"]


def test_parameters_are_refused_with_a_reason_and_nothing_changes(world: World) -> None:
    world.change(Transition.TRANSITION_CONFIGURE)
    before = world.echo.settings
    assert "model must be one of good, missing, broken" in world.set(model="best") or "configure" in world.set(
        model="best"
    )
    assert "takes effect in configure: deactivate and clean up" in world.set(model="missing")
    assert "words" in world.set(words=10)
    assert "read-only" in world.set(autostart=True).lower()
    assert world.set(words="many") != ""
    assert "takes effect in configure" in world.set(words=5, load_s=1.0)
    assert world.echo.settings is before


def test_a_live_parameter_takes_effect_at_once_and_others_once_it_is_unconfigured(world: World) -> None:
    world.change(Transition.TRANSITION_CONFIGURE)
    assert world.set(words=5) == ""
    assert world.echo.settings.words == 5
    assert world.set(model="good") == ""  # as it is
    world.change(Transition.TRANSITION_CLEANUP)
    assert world.set(model="broken", words=6) == ""
    assert (world.echo.settings.model, world.echo.settings.words) == ("broken", 6)
    assert "model must be one of good, missing, broken" in world.set(model="best")


def test_every_parameter_has_description_range_or_choices_and_says_when_it_takes_effect(world: World) -> None:
    request = DescribeParameters.Request(names=["model", "load_s", "words", "autostart"])
    model, load, words, auto = world.call(DescribeParameters, "describe_parameters", request).descriptors
    assert model.description == "what is loaded"
    assert model.additional_constraints.startswith("one of good, missing, broken; takes effect in configure")
    assert (load.floating_point_range[0].from_value, load.floating_point_range[0].to_value) == (0.0, 5.0)
    assert (words.integer_range[0].from_value, words.integer_range[0].to_value) == (1, 9)
    assert "at once" in words.additional_constraints
    assert [d.read_only for d in (model, load, words, auto)] == [False, False, False, True]


def test_diagnostics_follow_the_conventions_of_diagnostic_updater(world: World) -> None:
    part = world.statuses()
    world.change(Transition.TRANSITION_CONFIGURE)
    told = wait_for(lambda: (s := part("lifecycle")) and s.message == "inactive" and s, what="the inactive state")
    assert told.level == DiagnosticStatus.WARN
    assert part("echo") is None
    world.change(Transition.TRANSITION_ACTIVATE)
    world.echo.meter.done({"work": 2.0})
    world.echo.meter.error("bad_input", "no depth")
    echo = wait_for(lambda: (s := part("echo")) and {v.key: v.value for v in s.values}.get("errors") == "1" and s)
    values = {v.key: v.value for v in echo.values}
    assert (echo.level, echo.hardware_id, echo.message) == (DiagnosticStatus.OK, "parrot", "repeating")
    assert (values["work p50 (ms)"], values["work p95 (ms)"]) == ("2.0", "2.0")
    assert (values["errors: bad_input"], values["last error"]) == ("1", "no depth")
    life = wait_for(lambda: (s := part("lifecycle")) and s.message == "active" and s)
    assert float({v.key: v.value for v in life.values}["memory of the process (MB)"]) > 10


@pytest.mark.parametrize("world", [(f"qos_overrides.{SPACE}/out.publisher.reliability:=best_effort",)], indirect=True)
def test_quality_of_service_can_be_overridden_by_parameters(world: World) -> None:
    (offered,) = world.user.get_publishers_info_by_topic(f"{SPACE}/out")
    assert offered.qos_profile.reliability.name == "BEST_EFFORT"
