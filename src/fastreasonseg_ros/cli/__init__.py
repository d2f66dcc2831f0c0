"""The command `fastreasonseg`: one module per command, and parser.py with their arguments.

Errors raised on purpose end in one line on stderr and exit status 2.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from ..errors import ReasonSegError
from ..weights import missing_extra
from .parser import TRAINING, build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    # Training stages and `models` have their own parsers, which get all arguments after the name.
    if arguments[:1] == ["models"]:
        return _guarded(lambda: _module("cli.models").main(arguments[1:]))
    if arguments[:1] == ["train"] and arguments[1:2] and arguments[1] in TRAINING:
        return _guarded(lambda: _train(arguments[1], arguments[2:]))
    args = parser.parse_args(arguments)
    return _guarded(lambda: _module(args.module).run(args))


def _train(stage: str, arguments: Sequence[str]) -> object:
    """One stage. Raises ConfigError with the command that installs what it needs where a package is missing."""
    try:
        return _module(TRAINING[stage][1]).main(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fastreasonseg_ros"):
            raise
        raise missing_extra("train", f"fastreasonseg train {stage}", error) from error


def _guarded(command: Callable[[], object]) -> int:
    try:
        return int(command() or 0)
    except ReasonSegError as error:
        print(f"fastreasonseg: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fastreasonseg: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` is no error
        sys.stderr.close()
        return 0


def _module(name: str):
    return importlib.import_module(f"fastreasonseg_ros.{name}")
