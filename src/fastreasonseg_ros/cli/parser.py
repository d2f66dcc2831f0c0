"""The arguments of all commands except `models` and the stages of `train`, which have their own parsers.

Each command names the module whose run(args) implements it; it is imported when needed, so that `--help` is fast.
"""

from __future__ import annotations

import argparse
import shlex

from .. import __version__
from ..errors import ConfigError
from .server_arguments import mcp_arguments, view_arguments

# Stage: (help, module whose main() parses its options).
TRAINING = {
    "data": ("scenes, questions and teacher plans", "training.student.corpus.data"),
    "teach": ("reasoning chains by a larger teacher model", "training.student.corpus.teach"),
    "samples": ("plans that a student draws for people's questions", "training.student.corpus.samples"),
    "sft": ("supervised fine-tuning of the student's adapter", "training.student.sft.train"),
    "grpo": ("reinforcement with executed rewards", "training.student.grpo.train"),
    "meaning": ("word meaning, on people's judgements", "training.word_meaning.train"),
    "confidence": ("the chance that an answer is right", "training.student.confidence"),
    "choice": ("the choice among plans where the first is doubtful", "training.student.choice"),
    "segmenter": ("the table-top segmenter, on simulated depth", "training.perception.segmenter.train"),
    "furniture": ("fetches modelled things with real surfaces for `labels`", "training.perception.names.furniture"),
    "labels": ("the table-top labels", "training.perception.names.train"),
    "forms": ("rollouts in another form, to measure the plan against", "training.student.corpus.reply_forms"),
    "export": ("a student as one GGUF file, or as a transformers folder", "training.student.export"),
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastreasonseg",
        description="Ask a camera in plain words; get a mask, ids, 3-D positions and the executed steps.",
    )
    parser.add_argument("--version", action="version", version=f"fastreasonseg {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, module: str, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        sub.set_defaults(module=module)
        return sub

    demo = command("demo", "live.demo", "play a recorded table into the four ROS 2 nodes and ask questions")
    source = demo.add_mutually_exclusive_group()
    source.add_argument("--bag", metavar="PATH", help="play this bag instead of demo/table")
    source.add_argument("--sim", action="store_true", help="use the simulator live instead of a bag")
    source.add_argument("--scene", metavar="DIR", help="use a data set's scene: DATASET/SCENE")
    source.add_argument("--camera", metavar="DEVICE", help="use a colour camera, as 0, or a video; without depth")
    demo.add_argument("--ask", metavar="TEXT", action="append", help="ask this instead (may be given several times)")
    demo.add_argument("--questions", metavar="FILE", help="ask these: lines of text, target_ids, at, standing")
    demo.add_argument("--out", metavar="DIR", default="out/demo", help="answers.jsonl and pictures (%(default)s)")
    demo.add_argument("--perception", help="perceiver of the twin node (tabletop; with --camera monocular)")
    demo.add_argument("--timeout", type=float, default=240.0, help="seconds until the nodes must be up (%(default)s)")

    ask = command("ask", "cli.ask", "ask one question about pictures, a scene, a bag or a twin")
    ask.add_argument("source", help="a scene folder, a bag, a twin (.json), or a colour picture")
    ask.add_argument("text", help="the question")
    ask.add_argument("--depth", metavar="PNG", help="16-bit depth picture beside a colour picture")
    ask.add_argument("--camera", metavar="JSON", help="camera.json beside a colour picture")
    ask.add_argument("--at", metavar="SECONDS", type=float, help="ask when this much of a bag or scene was seen")
    _inputs(ask)
    ask.add_argument("--overlay", metavar="PNG", help="write a picture of the answer")
    ask.add_argument("--mask", metavar="PNG", help="write the mask (0 or 255)")
    ask.add_argument("--json", metavar="FILE", help="write the answer")
    _backends(ask)

    mcp_arguments(command("mcp", "cli.mcp", "let agents look and ask: a server of the Model Context Protocol"))

    evaluate = command("eval", "cli.eval", "measure answers on a data set of pictures and questions")
    evaluate.add_argument(
        "dataset", help="its folder: our own form, depth in the unit of its camera.json; or a benchmark as published"
    )
    evaluate.add_argument(
        "--format",
        metavar="NAME",
        help="force it: reasonseg, llmseg40k, revos, reasonvos, rvtbench, jitbench, osd, davis, ade20k, folder (found)",
    )
    evaluate.add_argument("--split", metavar="NAME", help="part of a benchmark (its validation part)")
    evaluate.add_argument("--limit", metavar="N", type=int, help="only the first N questions")
    evaluate.add_argument("--overlays", metavar="DIR", help="write a picture of every answer")
    _outputs(evaluate)
    _comparable(evaluate)
    evaluate.add_argument(
        "--also",
        metavar="OPTIONS",
        action="append",
        default=[],
        help='measure with these backends too, side by side: --also "--perception oracle" (several times)',
    )
    evaluate.set_defaults(with_backends=with_backends)
    _shared(evaluate)
    _backends(evaluate)

    twins = command("eval-twins", "cli.eval_twins", "measure reasoning alone, on questions about twins")
    twins.add_argument("scenes", help="scenes.jsonl: a twin a line")
    twins.add_argument("queries", help="queries.jsonl")
    twins.add_argument("--limit", metavar="N", type=int, help="only the first N questions")
    _outputs(twins)
    _comparable(twins)
    _backends(twins, perception=False)

    tracking = command("eval-tracking", "cli.eval_tracking", "measure tracking on simulated clips")
    tracking.add_argument(
        "--clips", metavar="N", type=int, default=30, help="how many, scenario after scenario (%(default)s)"
    )
    tracking.add_argument("--scenarios", metavar="NAME", nargs="+", help="only these, as crossing or 'moving camera'")
    tracking.add_argument("--width", type=int, default=320, help="of the pictures, pixels (%(default)s)")
    tracking.add_argument("--cache", metavar="DIR", default="out/clips", help="where clips are kept (%(default)s)")
    tracking.add_argument("--json", metavar="FILE", help="write the figures")
    tracking.add_argument("--markdown", metavar="FILE", help="write the table")
    _backends(tracking, model=False)

    clutter = command("eval-clutter", "cli.eval_clutter", "measure what tells things apart on cluttered tables")
    clutter.add_argument("dataset", nargs="?", help="pictures with every object annotated (simulated clutter)")
    clutter.add_argument("--seeds", type=int, default=4, help="simulated scenes of each arrangement (%(default)s)")
    clutter.add_argument(
        "--segmenters", nargs="+", choices=["planes", "network", "both"], default=["planes", "network", "both"],
        help="settings to compare (all)",
    )  # fmt: skip
    clutter.add_argument("--json", metavar="FILE", help="write the figures")
    clutter.add_argument("--markdown", metavar="FILE", help="write the tables")
    clutter.add_argument("--perception-set", metavar="A.B=C", action="append", default=[], help="one more setting")

    places = command("eval-places", "cli.eval_places", "measure segmentation in other places than tables")
    places.add_argument("--seeds", type=int, default=5, help="scenes of each place (%(default)s)")
    places.add_argument("--places", metavar="NAME", nargs="+", help="only these, as floor or 'two levels'")
    places.add_argument("--width", type=int, default=320, help="of the pictures, pixels (%(default)s)")
    places.add_argument("--pictures", metavar="DIR", help="write what was found where")
    places.add_argument("--json", metavar="FILE", help="write the figures")
    places.add_argument("--markdown", metavar="FILE", help="write the table")
    _backends(places, model=False)

    results = command(
        "compare", "evaluation.reports.compare", "set results of eval side by side, with paired intervals"
    )
    results.add_argument(
        "files", nargs="+", metavar="FILE", help="results (--json) or rows; the first against the others"
    )
    results.add_argument("--seed", type=int, default=0, help="of the bootstrap (%(default)s)")
    results.add_argument("--json", metavar="FILE", help="write the comparison")

    annotate = command("annotate", "cli.annotate", "click points in pictures as ground truth, on a page in a browser")
    annotate.add_argument("folder", help="a folder with rgb.png, or one of such folders")
    annotate.add_argument("--port", type=int, default=8090, help="of the page, on this machine only (%(default)s)")

    report = command("report", "cli.report", "write results as a page and as Markdown")
    report.add_argument("results", nargs="+", metavar="RESULT", help="what eval and bag eval wrote with --json")
    report.add_argument("--rows", nargs="+", metavar="FILE", help="their --rows (.jsonl), in the same order")
    report.add_argument("--pictures", metavar="DIR", help="what eval wrote with --overlays")
    report.add_argument("--html", metavar="FILE", help="one page that needs no other file")
    report.add_argument("--markdown", metavar="FILE", help="a summary")

    students = command("eval-students", "cli.eval_students", "compare students on the same questions")
    students.add_argument("--config", default="config/eval/students.yaml", help="students and questions (%(default)s)")
    students.add_argument("--only", metavar="NAME", nargs="+", help="only these students")
    students.add_argument("--sets", metavar="NAME", nargs="+", help="only these sets of questions")
    students.add_argument("--limit", metavar="N", type=int, help="only the first N questions of each set")
    students.add_argument("--batch", type=int, default=32, help="replies decoded together (%(default)s)")
    students.add_argument("--threads", type=int, default=2, help="of the models while they decode (%(default)s)")
    students.add_argument("--latency", type=int, default=60, help="questions timed one by one, 0: none (%(default)s)")
    students.add_argument("--latency-threads", type=int, default=2, help="threads while these are timed (%(default)s)")
    students.add_argument("--out", default="out/students", help="what is kept, to go on from (%(default)s)")
    students.add_argument("--markdown", metavar="FILE", help="the table (OUT/students.md)")
    students.add_argument("--json", metavar="FILE", help="the figures (OUT/students.json)")

    bag = command("bag", "cli.bag", "look into a bag, ask questions while it is played, or make one")
    bag.add_argument("action", choices=["info", "eval", "make"], help="topics; play and ask; a data set as bags")
    bag.add_argument(
        "path",
        help="rosbag2 folder, .mcap, .db3 or .bag file, a folder of these; for make a data set, or a bag to loop",
    )
    bag.add_argument("out", nargs="?", help="eval: write answers, masks and twins as a bag; make: folder of the bags")
    bag.add_argument(
        "--queries", "--questions", dest="questions", metavar="FILE",
        help="lines of text, at (seconds), target_ids, standing, scene (those in the bag)",
    )  # fmt: skip
    bag.add_argument("--questions-topic", metavar="NAME", help="the questions topic (found by its name)")
    _inputs(bag)
    bag.add_argument("--clock", action="store_true", help="real time: the nodes themselves, the bag at its own speed")
    bag.add_argument(
        "--rate", type=float, default=1.0, help="speed of --clock, and of a bag that is looped (%(default)s)"
    )
    bag.add_argument("--frames", metavar="FILE", help="write one row a picture (.jsonl, .csv or .parquet)")
    bag.add_argument("--resume", action="store_true", help="go on with the --rows of a run that was interrupted")
    bag.add_argument("--seed", type=int, default=0, help="of the bootstrap intervals (%(default)s)")
    bag.add_argument("--video", metavar="DIR", help="write an overlay video of every bag (MP4)")
    bag.add_argument("--viz", choices=["rerun"], help="show pictures, masks, boxes and reasoning on a timeline")
    bag.add_argument("--viz-out", metavar="FILE", help="write what --viz shows instead (.rrd; a folder for many bags)")
    bag.add_argument("--seconds", type=float, metavar="S", help="make: loop a bag until it is so long")
    bag.add_argument("--compressed", action="store_true", help="make: colour as JPEG")
    bag.add_argument("--storage", default="mcap", choices=["mcap", "sqlite3"], help="make: (%(default)s)")
    _outputs(bag)
    _shared(bag)
    _backends(bag)

    view_arguments(command("view", "cli.view", "serve a page for browsers: ask, and watch what running nodes answer"))

    bench = command("bench", "cli.bench", "latency of perception and reasoning, and memory, on this machine")
    bench.add_argument("source", nargs="?", default="demo/table", help="scene folder or bag (%(default)s)")
    bench.add_argument("--frames", type=int, default=60, help="frames to perceive (%(default)s)")
    bench.add_argument("--questions", type=int, default=20, help="questions to answer (%(default)s)")
    bench.add_argument(
        "--scaling",
        action="store_true",
        help="also cost against frame size, instances and standing questions (minutes)",
    )
    bench.add_argument("--json", metavar="FILE", help="write the figures")
    _inputs(bench)
    _backends(bench)

    train = commands.add_parser("train", help="make the models anew", description="Make the models anew.")
    stages = train.add_subparsers(metavar="STAGE", required=True)
    for stage, (help, _) in TRAINING.items():
        stages.add_parser(stage, help=help, add_help=False)
    commands.add_parser("models", help="list, make and check the model files", add_help=False)
    return parser


def _inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures")
    for topic in ("color", "depth", "info", "depth-info", "ids"):
        group.add_argument(
            f"--{topic}-topic", metavar="NAME", help=f"of bags: the {topic} topic, or none (chosen; see `bag info`)"
        )
    group.add_argument(
        "--slop", metavar="SECONDS", type=float, default=0.02,
        help="of bags: largest difference between the stamps of colour and depth (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--depth-unit", metavar="METRES", type=float,
        help="of a count of depth, as 0.0001 (as camera.json or the encoding says)",
    )  # fmt: skip


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument(
        "--rows", metavar="FILE", help="write a row a question, as soon as it is answered (.jsonl, .csv, .parquet)"
    )


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", metavar="FILE", help="write a page about the run, pictures included")
    parser.add_argument(
        "--ray", metavar="ADDRESS", nargs="?", const="local", help="share the work on a Ray cluster (on this machine)"
    )
    parser.add_argument("--workers", type=int, default=2, help="of --ray on this machine (%(default)s)")


def _comparable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resume", action="store_true", help="go on with the --rows of a run that was interrupted")
    parser.add_argument("--against", metavar="FILE", help="compare with an earlier result (its --json or --rows)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap intervals (%(default)s)")


def with_backends(args: argparse.Namespace, text: str) -> argparse.Namespace:
    """The arguments with the backend options in `text` (command-line syntax). Raises ConfigError naming the option."""

    class Parser(argparse.ArgumentParser):
        def error(self, message: str):
            raise ConfigError(f'--also {text!r}: {message}; give options such as "--perception oracle"')

    parser = Parser(add_help=False)
    _backends(parser)
    try:
        options = shlex.split(text)
    except ValueError as error:
        parser.error(str(error))
    return parser.parse_args(options, argparse.Namespace(**vars(args)))


def _backends(parser: argparse.ArgumentParser, perception: bool = True, model: bool = True) -> None:
    group = parser.add_argument_group("backends")
    if perception:
        group.add_argument(
            "--perception", default="tabletop", help="tabletop, monocular, foundation or oracle (%(default)s)"
        )
        group.add_argument("--perception-config", metavar="YAML", help="settings of the perceiver")
        group.add_argument("--perception-set", metavar="A.B=C", action="append", default=[], help="one such setting")
    if not model:
        return
    group.add_argument("--model", default="openvino", help="language model backend (%(default)s)")
    group.add_argument("--model-config", metavar="YAML", help="settings of the language model")
    group.add_argument("--model-set", metavar="A.B=C", action="append", default=[], help="one such setting")
