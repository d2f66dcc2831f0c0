"""mask_node: what answers mean in the picture and in the room: masks, overlay, markers, target poses, text.

outputs/answer_outputs.py has the topics and the rule which question mask, overlay and target belong to.
"""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.parameter import Parameter
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import Select

from ...errors import TwinError
from ...serving.request_checks import LONGEST_ID
from ..conversions import instance_from_msg, twin_from_msg
from ..diagnostics import OK, WARN, Health
from ..executors import run
from ..images import stamp_ns
from ..lifecycle import ManagedNode
from ..outputs.answer_outputs import AnswerOutputs, TargetSelection
from ..qos import latched, reliable
from ..settings import MaskSettings
from ..stamped_buffer import StampedBuffer
from ..transforms import Transforms

SHOWN = (Answer.OK, Answer.NO_MATCH, Answer.STALE)
TWINS = 30  # that wait for answers: two seconds at 15 Hz


class MaskNode(ManagedNode[MaskSettings]):
    """Subscribes to twin and answer, and to color/image_raw while somebody subscribes to overlay; serves select.

    An answer is shown in the twin that it speaks of. Objects keep their ids, so a one-off answer is shown in every
    further twin too; a standing question brings an answer for each.
    """

    def __init__(self) -> None:
        super().__init__("mask_node", MaskSettings)
        self._selection = TargetSelection(self.settings.query_id)
        self._outputs = AnswerOutputs(self, self._selection)
        self._one_offs: dict[str, Answer] = {}  # the last one, and the one that the user chose
        self._early: dict[str, Answer] = {}  # by question: answers whose twin has not come yet
        self._twins: StampedBuffer[SceneGraph] = StampedBuffer(TWINS)
        self._transforms: Transforms | None = None
        self.create_service(Select, "select", self._select)

    def setup(self) -> None:
        self._transforms = Transforms(self) if self.settings.target_frame else None

    def start(self) -> None:
        self._outputs.start(self._transforms)
        self.subscribe(SceneGraph, "twin", self._twin_came, latched(5))
        self.subscribe(Answer, "answer", self._answer_came, reliable(64))

    def stop(self) -> None:
        self._outputs.stop()
        self._one_offs.clear()
        self._twins.clear()
        self._early.clear()
        self._selection.clear()

    def free(self) -> None:
        if self._transforms is not None:
            self._transforms.close()
        self._transforms = None

    def settings_changed(self, settings: MaskSettings) -> None:
        self._selection.chosen = settings.query_id

    def clock_jumped(self, reason: str) -> None:
        self.get_logger().warning(f"{reason}: pictures and transforms from before are forgotten")
        self._outputs.overlay.clear()
        self._twins.clear()
        self._early.clear()
        if self._transforms is not None:
            self._transforms.clear()

    def _select(self, request: Select.Request, response: Select.Response) -> Select.Response:
        """The service select: the same as setting the parameter query_id."""
        result = self.set_parameters([Parameter("query_id", value=request.query_id)])[0]
        response.selected = self._selection.selected
        response.status = Answer.OK if result.successful else Answer.BAD_INPUT
        response.message = result.reason or f"selected: {response.selected or 'the next question'}"
        return response

    def _dropped(self, kind: str, what: str, error: TwinError) -> None:
        """Reports a message of another publisher than the package's own nodes, with values that cannot be."""
        self.meter.error(f"invalid {kind}", f"{what} is dropped: {error}")
        self.get_logger().error(f"{what} is dropped: {error}", once=True)

    def _twin_came(self, msg: SceneGraph) -> None:
        if msg.status != Answer.OK:
            return
        try:
            by_id = {i.id: i for i in twin_from_msg(msg, with_ids=False).instances}
        except TwinError as error:
            self._dropped("twin", f"twin {msg.sequence}", error)
            return
        if self._twins.newest is not None and self._twins.newest.begun != msg.begun:  # ids mean other things now
            self._end_one_offs(list(self._one_offs), msg.header)
        self._twins.add(msg)
        for query_id, answer in list(self._early.items()):
            if stamp_ns(answer.header) <= stamp_ns(msg.header):
                del self._early[query_id]
                if answer.header.stamp == msg.header.stamp:
                    self._outputs.place(answer, msg)
                    self._outputs.pixels(answer, msg)
        for query_id, answer in self._one_offs.items():
            if stamp_ns(answer.header) != stamp_ns(msg.header):
                followed = Answer(header=msg.header, query_id=query_id, ids=answer.ids, commands=answer.commands)
                found, destinations = (
                    [by_id[i] for i in ids if i in by_id] for ids in (answer.ids, answer.destination_ids)
                )
                self._outputs.places(followed, found, destinations)
                self._outputs.place(followed, msg)
                self._outputs.pixels(followed, msg)

    def _answer_came(self, msg: Answer) -> None:
        if msg.status == Answer.CANCELLED:  # ended by unwatch, or a goal that was given up: it displaces nothing
            if self._selection.ended(msg.query_id):
                self._outputs.remove(msg.query_id, msg.header)
            return
        try:
            found, destinations = ([instance_from_msg(i) for i in those] for those in (msg.instances, msg.destinations))
        except TwinError as error:
            self._dropped("answer", f"the answer to {msg.query_id[:LONGEST_ID]!r}", error)
            return
        self._selection.answered(msg.query_id, msg.text, msg.standing)
        self._outputs.text(msg)
        if not msg.standing:
            self._replace_one_off(msg)
        if msg.status not in SHOWN:
            return
        self._outputs.places(msg, found, destinations)
        if (twin := self._twins.at(msg.header)) is not None:
            self._outputs.place(msg, twin)
            self._outputs.pixels(msg, twin)
        else:
            self._early[msg.query_id] = msg

    def _replace_one_off(self, msg: Answer) -> None:
        """A one-off question takes the place of the last one, also where it found nothing."""
        others = [i for i in self._one_offs if i not in (msg.query_id, self._selection.chosen)]
        self._end_one_offs(others, msg.header)
        self._one_offs.pop(msg.query_id, None)
        if msg.status in SHOWN:
            self._one_offs[msg.query_id] = msg
        else:
            self._outputs.remove(msg.query_id, msg.header)

    def _end_one_offs(self, query_ids: Sequence[str], header: Header) -> None:
        for query_id in query_ids:
            del self._one_offs[query_id]
            self._outputs.remove(query_id, header)

    def health(self) -> list[tuple[str, Health]]:
        error = self.meter.recent_error()
        values = {"selected": self._selection.selected, **self.meter.values()}
        return [("masks", Health(WARN if error else OK, error or "publishing answers", values))]


def main(argv: Sequence[str] | None = None) -> int:
    return run([MaskNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
