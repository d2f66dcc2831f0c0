"""A model behind an OpenAI-compatible endpoint: llama.cpp's real server with the student, and ones that misbehave."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path

import pytest
from servers import api, behaving, fail, hang, html, once_models, stream

from fastreasonseg_ros.config import load_config
from fastreasonseg_ros.errors import ConfigError, ModelError, Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_language_model
from fastreasonseg_ros.reasoning.language_models.remote import BusyError, RemoteConfig, RemoteModel
from fastreasonseg_ros.reasoning.prompting.prompt import instructed, prompt
from fastreasonseg_ros.reasoning.protocol import LanguageModel
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin(
    (
        Instance(1, "plate", color="white", center_m=(0.0, 0.0, 1.0), size_m=(0.2, 0.02, 0.2)),
        Instance(2, "mug", color="red", center_m=(0.4, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
        Instance(3, "mug", color="blue", center_m=(0.15, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
    )
)
CONFIG = Path(__file__).parents[2] / "config/reasoning_remote.yaml"


@pytest.fixture(scope="module")
def student(student_server):
    return make_language_model("remote", None, [f"base_url={student_server}", "grammar=grammar", "timeout_s=600"])


def test_a_question_is_answered_through_http_by_the_real_student(student):
    answer = reason(TWIN, Query("the mug nearest to the plate"), student)
    assert (answer.status, answer.ids) == (Status.OK, (3,))
    assert isinstance(student, LanguageModel)
    assert answer.model == student.name
    assert "/student.gguf@127.0.0.1:" in student.name


def test_the_server_keeps_to_the_grammar_of_the_twin(student):
    text = student.generate("<|im_start|>user\nWrite a poem.<|im_end|>\n<|im_start|>assistant\n", grammar(TWIN))
    assert parse_rollout(text)
    assert student.generate("The sky is ", 'root ::= "zebra" | "newt"') in ("zebra", "newt")


def test_text_streams_piece_by_piece_and_cancelling_frees_the_server(student):
    pieces: list[str] = []
    start = time.monotonic()
    text = student.generate("Once upon a time", "", lambda piece: pieces.append(piece) or len(pieces) == 3)
    assert text == "".join(pieces)
    assert len(pieces) == 3
    stopped = time.monotonic() - start
    student.generate("Once upon a time", "", lambda piece: False)
    assert stopped < time.monotonic() - start - stopped


def test_what_the_listener_raises_comes_through(student):
    def listener(piece: str) -> bool:
        raise KeyError("listener")

    with pytest.raises(KeyError, match="listener"):
        student.generate("One, two", "", listener)


def test_a_general_model_is_asked_in_turns_with_the_language_explained():
    with behaving(api("The red one.\na = find(color=red)")) as (address, asked):
        model = RemoteModel(RemoteConfig(address, api="chat", extra_body={"top_k": 1}))
        answer = reason(TWIN, Query("the red mug"), model)
    path, request, _ = asked[-1]
    assert answer.ids == (2,)
    assert path == "/v1/chat/completions"
    assert [turn["role"] for turn in request["messages"]] == ["system", "user"]
    assert "find(label=mug|cup, color=red)" in request["messages"][0]["content"]
    assert request["messages"][1]["content"] == "plate: white\n2 mug: red, blue\nQ: the red mug"
    assert request["top_k"] == 1
    assert request["structured_outputs"]["grammar"].startswith("root ::= reason")


def test_a_student_gets_the_raw_prompt_and_the_grammar_in_the_servers_field():
    with behaving(api("The red one.\na = find(color=red)<|im_end|>")) as (address, asked):
        for field in ("guided_grammar", "ebnf", "grammar", "none"):
            model = RemoteModel(RemoteConfig(address, grammar=field))
            reply = model.generate(prompt(TWIN, "the red mug"), "root ::= [a-z]", lambda piece: False)
            _, request, _ = asked[-1]
            assert reply == "The red one.\na = find(color=red)"
            assert request["prompt"] == prompt(TWIN, "the red mug")
            assert request.get(field) == (None if field == "none" else "root ::= [a-z]")
        explained = RemoteModel(RemoteConfig(address, instructions=True))
        explained.generate(prompt(TWIN, "the red mug"), "")
    assert (
        asked[-1][1]["prompt"]
        == instructed(prompt(TWIN, "the red mug"))
        == prompt(TWIN, "the red mug", instructions=True)
    )


def test_the_key_comes_from_the_environment_and_stands_in_no_message(monkeypatch):
    monkeypatch.setenv("STATION_KEY", "sesame")
    with behaving(once_models(fail(401))) as (address, asked):
        model = RemoteModel(RemoteConfig(address, api_key_env="STATION_KEY"))
        with pytest.raises(ModelError, match=r"refuses the key \(401.*environment variable STATION_KEY") as error:
            model.generate("x", "")
    assert asked[0][2]["Authorization"] == "Bearer sesame"
    assert "sesame" not in str(error.value)
    config = RemoteConfig("https://user:secret@station.local/v1")
    assert (config.host, config.address) == ("station.local", "https://station.local/v1")


def test_a_server_that_skips_the_grammar_is_warned_about_and_its_replies_are_still_checked(caplog):
    with behaving(api("nonsense")) as (address, _), caplog.at_level(logging.WARNING):
        model = RemoteModel(RemoteConfig(address))
        answer = reason(TWIN, Query("the red mug"), model)
    assert "does not keep to a grammar" in caplog.text
    assert answer.status == Status.MODEL_FAILED
    assert "the model wrote 'nonsense'" in answer.message


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def test_a_server_that_is_down_is_told_before_anything_claims_to_be_ready():
    with pytest.raises(ModelError, match=r"cannot be reached .*refused.*is the server running"):
        make_language_model("remote", None, [f"base_url={closed_port()}", "retries=0"])


@pytest.mark.parametrize(
    ("behave", "kind", "message"),
    [
        (hang, BusyError, r"no whole reply within 2 s; raise timeout_s"),
        (fail(500), BusyError, r"failed \(500: .*as asked: 500.*see its log"),
        (fail(429, Retry_After="0"), BusyError, r"too many requests \(429.*ask fewer at a time"),
        (html, ModelError, r"not as an OpenAI-compatible API .*nginx.*mostly ends in /v1"),
        (fail(404), ModelError, r"404.*check `model`, `api`, and that base_url"),
        (
            fail(422),
            ModelError,
            r"refuses the request \(422: .*as asked: 422.*`grammar: structured_outputs`; none leaves it out",
        ),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_servers_that_misbehave_are_told_apart(behave, kind, message, later):
    """At once, or after they had been ready."""
    with behaving(once_models(behave) if later else behave) as (address, asked):
        config = RemoteConfig(address, timeout_s=2.0 if behave is hang else 60.0, retries=int(not later))
        with pytest.raises(ModelError, match=message) as error:
            RemoteModel(config).generate("x", "root ::= [a-z]")
        assert type(error.value) is kind
        expected, end = 3 if later else 2 if kind is BusyError else 1, time.monotonic() + 60
        while len(asked) < expected and time.monotonic() < end:  # it hears of what timed out when it may
            time.sleep(0.01)
    assert len(asked) == expected


def test_a_stream_that_stalls_breaks_off_or_is_none_is_told():
    def stalls(handler, request):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(stream(["one", "two"], False).partition("data: [DONE]")[0].encode())
        handler.wfile.flush()
        time.sleep(600)

    def breaks(handler, request):
        handler.reply(200, 'data: {"choices": [{"index": 0, "te', "text/event-stream")

    def complains(handler, request):
        handler.reply(200, 'data: {"error": {"message": "out of memory"}}\n\n', "text/event-stream")

    received: list[str] = []
    for behave, message in ((stalls, "no whole reply within"), (breaks, "not as an"), (complains, "out of memory")):
        with behaving(once_models(behave)) as (address, _):
            model = RemoteModel(RemoteConfig(address, timeout_s=3.0 if behave is stalls else 60.0, retries=0))
            with pytest.raises(ModelError, match=message):
                model.generate("x", "", lambda piece: received.append(piece) is not None)
    assert received == ["one ", "two"]


def test_a_model_that_the_server_does_not_list_is_tried_and_several_must_be_named():
    def two(handler, request):
        if handler.path.endswith("/models"):
            handler.reply(200, {"data": [{"id": "a"}, {"id": "b"}]})
        else:
            (api("yak") if request["model"] == "/models/c" else fail(404))(handler, request)

    with behaving(two) as (address, _):
        assert RemoteModel(RemoteConfig(address, "/models/c")).name.startswith("/models/c@127.0.0.1:")
        with pytest.raises(ModelError, match=r"serves 2 models \(a, b\); name one in `model`"):
            RemoteModel(RemoteConfig(address))
        with pytest.raises(ModelError, match=r"no model 'd', or no completions endpoint .*it lists a, b"):
            RemoteModel(RemoteConfig(address, "d"))


@pytest.mark.parametrize("code", [404, 500])
def test_a_named_model_needs_no_list(code):
    def listless(handler, request):
        (fail(code) if handler.path.endswith("/models") else api("yak"))(handler, request)

    with behaving(listless) as (address, _):
        assert RemoteModel(RemoteConfig(address, "parrot", retries=0)).model == "parrot"
        with pytest.raises(ModelError, match=f"{code}"):
            RemoteModel(RemoteConfig(address, retries=0))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("base_url=basestation:8000", r"base_url 'basestation:8000' is no address; for example http://"),
        ("base_url=http://x:99999/v1", "Port out of range"),
        ("timeout_s=0", "timeout_s and max_new_tokens must be above zero"),
        ("grammar=gbnf", "must be one of structured_outputs"),
    ],
)
def test_settings_that_cannot_be_are_named(override, message):
    with pytest.raises(ConfigError, match=message):
        make_language_model("remote", None, [override])


def test_the_example_settings_can_be_read():
    assert load_config(RemoteConfig, CONFIG).api == "chat"
