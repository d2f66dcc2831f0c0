"""The base of the four nodes: a managed (lifecycle) node that loads in configure and subscribes in activate.

With the parameter autostart it configures and activates itself; otherwise a lifecycle manager does. Why a transition
failed is in the log and on /diagnostics; services answer in every state, with a status code.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import traceback
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

import psutil
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import ClockChange, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import QoSProfile

from ..errors import ReasonSegError, Status
from .diagnostics import ERROR, OK, WARN, Diagnostics, Health, Meter
from .executors import in_thread, result_of
from .parameters import NodeSettings, Parameters
from .qos import OVERRIDES

S = TypeVar("S", bound=NodeSettings)
LONGEST_RETRY_S = 60.0
CLOCK_NOISE_S = 0.1  # a clock that is set back by less did not jump


class ManagedNode(LifecycleNodeMixin, Node, Generic[S]):
    """Subclasses fill in setup, start, stop and free, each of which may raise; `meter` counts their work.

    Callbacks run in one thread and must not wait; transitions run in a thread of their own, one at a time.
    """

    _made = False

    def __init__(self, name: str, settings: type[S]) -> None:
        Node.__init__(self, name)
        # Reentrant: `get_state` is answered while `change_state` awaits a transition that loads a model.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._change_state = self._service_change_state.callback  # rclpy's own, which blocks
        self._service_change_state.callback = self._change_state_beside
        self._transitions = Lock()
        self.meter = Meter()
        self.phase, self.problem = "unconfigured", ""
        self._ending = Event()
        self._bringing_up: Thread | None = None
        self._subscribed: list[Any] = []
        self._own = Parameters(self, settings, lambda: self.phase == "unconfigured", self.settings_changed)
        self.get_logger().info(f"settings: {self.settings}")
        self._diagnostics = Diagnostics(self, self.settings.diagnostics_period_s, self._health)
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-CLOCK_NOISE_S))
        self._jump = self.get_clock().create_jump_callback(threshold, post_callback=self._clock_jumped)
        self._made = True

    @property
    def settings(self) -> S:
        return self._own.current

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
        """Parts of the node for /diagnostics; asked for only while the node is active."""
        return []

    def publisher(self, kind: type, topic: str, qos: QoSProfile, **more: Any) -> Any:
        """Publishes while the node is active only. more: what rclpy's create_publisher takes besides."""
        return self.create_lifecycle_publisher(kind, topic, qos, qos_overriding_options=OVERRIDES, **more)

    def subscribe(self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
        """A subscription until the node is deactivated."""
        self._subscribed.append(self.create_subscription(kind, topic, callback, qos, qos_overriding_options=OVERRIDES))

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
            self._report(name, error)  # before undo: who waits gets this reason, and not only that it is not active
            undo()
            return TransitionCallbackReturn.FAILURE
        self.phase, self.problem = after, ""
        self.get_logger().info(after)
        return TransitionCallbackReturn.SUCCESS

    def _report(self, name: str, error: Exception) -> None:
        """Why it cannot: in the log, on /diagnostics, and to those who ask."""
        known = isinstance(error, ReasonSegError)
        self.problem = f"cannot {name}: {error if known else f'{type(error).__name__}: {error}'}"
        trace = "" if known else "".join(["\n", *traceback.format_exception(error)])
        self.get_logger().error(f"{self.problem}{trace}")
        self.meter.error(name, self.problem)
        self.failed(error.status if isinstance(error, ReasonSegError) else Status.MODEL_FAILED, self.problem)

    def _stop(self) -> None:
        while self._subscribed:
            self.destroy_subscription(self._subscribed.pop())
        self.stop()
        release_memory()

    def _free(self) -> None:
        self.free()
        release_memory()

    def _end(self) -> None:
        if self.phase == "active":
            self._stop()
        if self.phase in ("active", "inactive"):
            self.free()
        self.phase = "finalized"

    def _bring_up(self) -> None:
        pause_s = 0.0
        while not self._ending.wait(pause_s):
            with self._transitions:
                if self.phase == "unconfigured":
                    self.trigger_configure()
                if self.phase == "inactive" and not self._ending.is_set():
                    self.trigger_activate()
                if self.phase in ("active", "finalized"):
                    return
            pause_s = min(LONGEST_RETRY_S, max(self.settings.retry_s, 2 * pause_s))

    async def _change_state_beside(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """The service change_state; the executor goes on while the transition runs."""

        def change() -> ChangeState.Response:
            with self._transitions:
                return self._change_state(request, response)

        return await result_of(in_thread(change, name="transition"), self)

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


def resident_mb() -> float:
    """Resident memory of this process in 10^6 bytes; nodes in one process share it."""
    return psutil.Process().memory_info().rss / 1e6


def release_memory() -> None:
    """Returns freed memory to the system, which glibc keeps otherwise."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in musl
        if trim is not None:
            trim(0)
