"""Servers of the OpenAI API on real sockets: llama.cpp's with the real student, and ones that misbehave."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fastreasonseg_ros.reasoning.language_models.gguf import base_gguf, find_adapter, merge, read_adapter

_LLAMA_CPP = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.port, p.n_ctx, p.n_parallel, p.warmup = sys.argv[1], 0, 4096, 2, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1  # more would spin where another job runs
server = xllamacpp.Server(p)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@contextmanager
def llama_cpp(folder: Path) -> Iterator[str]:
    """The base address of llama.cpp's own server, with the student's weights; ended when the block is left."""
    adapter = find_adapter()
    assert adapter is not None
    weights = folder / "student.gguf"
    merge(base_gguf(), read_adapter(adapter), weights)
    command = [sys.executable, "-c", _LLAMA_CPP, str(weights)]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address, (folder / "log").read_text()[-2000:]
        yield address + "/v1"
    finally:
        server.kill()
        server.wait()


class Behaviour(BaseHTTPRequestHandler):
    """Answers as the server's `behave` says."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = json.loads(body) if body else {}
        self.server.asked.append((self.path, request, self.headers))  # type: ignore[attr-defined]
        self.server.behave(self, request)  # type: ignore[attr-defined]

    do_GET = do_POST = _answer

    def reply(self, code: int, body: object, kind: str = "application/json", **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def behaving(behave: Callable[[Behaviour, dict], None]) -> Iterator[tuple[str, list]]:
    """(base address, what was asked so far) of a server on a free port that answers every request by `behave`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behaviour)
    server.daemon_threads = True
    server.behave, server.asked = behave, []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", server.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def api(text: str) -> Callable[[Behaviour, dict], None]:
    """The API at its smallest: one model, and always the same reply, streamed where that is asked for."""

    def behave(handler: Behaviour, request: dict) -> None:
        if handler.path.endswith("/models"):
            handler.reply(200, {"object": "list", "data": [{"id": "parrot", "object": "model"}]})
        elif request.get("stream"):
            handler.reply(200, stream(text.split(" "), "chat" in handler.path), "text/event-stream")
        else:
            choice = {"message": {"role": "assistant", "content": text}} if "chat" in handler.path else {"text": text}
            usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
            handler.reply(200, {"choices": [{"index": 0, "finish_reason": "stop", **choice}], "usage": usage})

    return behave


def stream(words: list[str], chat: bool) -> str:
    """Server-sent events, a word each."""
    pieces = [word + " " for word in words[:-1]] + words[-1:]
    choices = [{"index": 0, **({"delta": {"content": p}} if chat else {"text": p})} for p in pieces]
    return "".join(f"data: {json.dumps({'choices': [c]})}\n\n" for c in choices) + "data: [DONE]\n\n"


def hang(handler: Behaviour, request: dict) -> None:
    time.sleep(3600)


def html(handler: Behaviour, request: dict) -> None:
    handler.reply(200, "<html><body>Welcome to nginx</body></html>", "text/html")


def fail(code: int, **headers: str) -> Callable[[Behaviour, dict], None]:
    """Says no to everything."""

    def behave(handler: Behaviour, request: dict) -> None:
        handler.reply(code, {"error": {"message": f"as asked: {code}", "type": "test"}}, **headers)

    return behave


def once_models(then: Callable[[Behaviour, dict], None], after: int = 1) -> Callable[[Behaviour, dict], None]:
    """Lists its model and gives `after` replies as an API does, then does something else."""
    good, count = api("yak"), [0]

    def behave(handler: Behaviour, request: dict) -> None:
        if not handler.path.endswith("/models"):
            count[0] += 1
        (good if count[0] <= after else then)(handler, request)

    return behave
