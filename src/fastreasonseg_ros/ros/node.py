"""A managed (lifecycle) node, as all four are: it loads in configure, subscribes in activate, frees in the rest.

It brings itself up (parameter autostart), or leaves that to a lifecycle manager. Why a transition failed is in the log
and on /diagnostics; its services answer in every state, with a code.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any, Generic, TypeVar

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import ClockChange, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.waitable import Waitable

from ..errors import ReasonSegError, Status
from .diagnostics import ERROR, OK, WARN, Diagnostics, Health
from .memory import give_back, resident_mb
from .meter import Meter
from .parameters import NodeSettings, Parameters
from .qos import OVERRIDES

S = TypeVar("S", bound=NodeSettings)
LONGEST_RETRY_S = 60.0
CLOCK_NOISE_S = 0.1  # a clock that is set back by less did not jump


class ManagedNode(LifecycleNodeMixin, Node, Generic[S]):
    """Subclasses fill in setup, start, stop and free, each of which may raise; `meter` counts their work.

    threads: that its callbacks need; with one, none may wait (spinning.py). stream: the group of what comes with every
    picture. stream_apart: whether another executor than the node's serves that group.
    """

    threads = 1
    stream_apart = False
    _made = False

    def __init__(self, name: str, settings: type[S]) -> None:
        self.stream = MutuallyExclusiveCallbackGroup()
        Node.__init__(self, name)
        # Reentrant: `get_state` answers while `change_state` loads a model; two transitions exclude each other anyway.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self.meter = Meter()
        self.phase, self.problem = "unconfigured", ""
        self._ending = Event()
        self._bringing_up: Thread | None = None
        self._listening: list[Any] = []
        self._own = Parameters(self, settings, lambda: self.phase == "unconfigured", self.settings_changed)
        self.get_logger().info(f"settings: {self.settings}")
        self._diagnostics = Diagnostics(self, self.settings.diagnostics_period_s, self._health)
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-CLOCK_NOISE_S))
        self._jump = self.get_clock().create_jump_callback(threshold, post_callback=self._clock_jumped)
        self._made = True

    @property
    def settings(self) -> S:
        return self._own.current

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """Those that the node's executor serves."""
        return (one for one in super().subscriptions if self._served(one))

    @property
    def waitables(self) -> Iterator[Waitable]:
        """Those that the node's executor serves."""
        return (one for one in super().waitables if self._served(one))

    def _served(self, entity: Any) -> bool:
        return not self.stream_apart or entity.callback_group is not self.stream

    # What a node does; the default is nothing.
    def setup(self) -> None:
        """Load what is large or may be missing. May raise ReasonSegError, which fails the transition."""

    def start(self) -> None:
        """Subscribe and begin to work."""

    def stop(self) -> None:
        """End what `start` began and forget what came in; also called where `start` failed halfway."""

    def free(self) -> None:
        """Drop what `setup` loaded; also called where it failed halfway."""

    def ended(self) -> None:
        """The process ends."""

    def failed(self, status: Status, reason: str) -> None:
        """A transition failed."""

    def settings_changed(self, settings: Any) -> None:
        """A live parameter has a new value."""

    def clock_jumped(self, reason: str) -> None:
        """ROS time was set back, or simulated time was switched on or off."""

    def health(self) -> list[tuple[str, Health]]:
        """Parts of the node for /diagnostics."""
        return []

    def publisher(self, kind: type, topic: str, qos: QoSProfile, **more: Any) -> Any:
        """Publishes while the node is active only. more: what rclpy's create_publisher takes besides."""
        return self.create_lifecycle_publisher(kind, topic, qos, qos_overriding_options=OVERRIDES, **more)

    def listen(
        self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile, group: Any = None
    ) -> None:
        """A subscription until the node is deactivated."""
        self._listening.append(
            self.create_subscription(kind, topic, callback, qos, callback_group=group, qos_overriding_options=OVERRIDES)
        )

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("configure", self.setup, "inactive", super().on_configure, state, self.free)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        def begin() -> None:
            super(ManagedNode, self).on_activate(state)  # publishers first: `start` may publish at once
            self.start()

        return self._transition("activate", begin, "active", None, state, self._stop)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("deactivate", self._stop, "inactive", super().on_deactivate, state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("clean up", self._free, "unconfigured", super().on_cleanup, state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("shut down", self._end, "finalized", super().on_shutdown, state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("recover", self._end, "unconfigured", super().on_error, state)

    def bring_up(self) -> None:
        """Configures and activates in a thread of its own, again and again until it succeeds, if autostart is set."""
        if self.settings.autostart:
            self._bringing_up = Thread(target=self._bring_up, name="bring_up", daemon=True)
            self._bringing_up.start()

    def fall_back(self, error: Exception) -> None:
        """What it stood on is broken after all: it goes back to unconfigured, says why, and is brought up again."""
        while self.phase not in ("active", "finalized"):  # an activation under way comes to its end first
            if self._ending.wait(0.05):
                return
        if self.phase == "finalized" or self._ending.is_set():
            return
        self.trigger_deactivate()
        self.trigger_cleanup()
        self._tell("go on", error)
        self.bring_up()

    def destroy_node(self) -> None:
        if not self._made:  # a wrong parameter; rclpy destroys what is left of the node
            super().destroy_node()
            return
        self._made = False
        self._ending.set()
        self._diagnostics.close()
        if self._bringing_up is not None:
            self._bringing_up.join(5.0)
        self._end()
        self.ended()
        super().destroy_node()

    def _transition(
        self,
        name: str,
        work: Callable[[], None],
        after: str,
        entities: Callable[[LifecycleState], TransitionCallbackReturn] | None,
        state: LifecycleState,
        undo: Callable[[], None] = lambda: None,
    ) -> TransitionCallbackReturn:
        try:
            work()
            if entities is not None:
                entities(state)
        except Exception as error:  # rclpy would swallow it, and the reason with it
            self._tell(name, error)  # first: what it undoes must not tell those who wait only that it is not active
            undo()
            return TransitionCallbackReturn.FAILURE
        self.phase, self.problem = after, ""
        self.get_logger().info(after)
        return TransitionCallbackReturn.SUCCESS

    def _tell(self, name: str, error: Exception) -> None:
        """Why it cannot: in the log, on /diagnostics, and to those who ask."""
        known = isinstance(error, ReasonSegError)
        self.problem = f"cannot {name}: {error if known else f'{type(error).__name__}: {error}'}"
        trace = "" if known else "".join(["\n", *traceback.format_exception(error)])
        self.get_logger().error(f"{self.problem}{trace}")
        self.meter.error(name, self.problem)
        self.failed(error.status if isinstance(error, ReasonSegError) else Status.MODEL_FAILED, self.problem)

    def _stop(self) -> None:
        while self._listening:
            self.destroy_subscription(self._listening.pop())
        self.stop()
        give_back()

    def _free(self) -> None:
        self.free()
        give_back()

    def _end(self) -> None:
        if self.phase == "active":
            self._stop()
        if self.phase in ("active", "inactive"):
            self.free()
        self.phase = "finalized"

    def _bring_up(self) -> None:
        pause_s = 0.0
        while not self._ending.wait(pause_s):
            if self.phase == "unconfigured":
                self.trigger_configure()
            if self.phase == "inactive" and not self._ending.is_set():
                self.trigger_activate()
            if self.phase in ("active", "finalized"):
                return
            pause_s = min(LONGEST_RETRY_S, max(self.settings.retry_s, 2 * pause_s))

    def _clock_jumped(self, jump: TimeJump) -> None:
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            self.clock_jumped("simulated time was switched on or off")
        elif jump.delta.nanoseconds < 0:
            self.clock_jumped(f"ROS time was set back by {-jump.delta.nanoseconds / 1e9:.1f} s")

    def _health(self) -> list[tuple[str, Health]]:
        level = OK if self.phase == "active" else ERROR if self.problem else WARN
        values = {"state": self.phase, "memory of the process (MB)": f"{resident_mb():.0f}"}
        own = Health(level, self.problem or self.phase, values)
        return [("lifecycle", own), *(self.health() if self.phase == "active" else [])]
