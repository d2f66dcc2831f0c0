"""A language model behind an OpenAI-compatible endpoint (vLLM, SGLang, llama.cpp ...), such as on a base station.

A fine-tuned student is called through /completions with the raw prompt, a general model through /chat/completions with
instructions on the plan language. A server with constrained decoding gets the twin's grammar; otherwise replies are
only checked by the parser.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from ...errors import ModelError
from ...plan.operators import LANGUAGE_VERSION
from ..prompting.prompt import END, instructed, messages

# Field of the request for a grammar. vLLM from 0.12: structured_outputs, before: guided_grammar; SGLang: ebnf;
# llama.cpp: grammar; none for servers that reject unknown fields, such as transformers serve.
GrammarField = Literal["structured_outputs", "guided_grammar", "ebnf", "grammar", "none"]
_PROBE = 'root ::= "yak"'
_LOG = logging.getLogger(__name__)


class BusyError(ModelError):
    """The endpoint failed temporarily (timeout, overload, server error); a retry may help."""


@dataclass(frozen=True)
class RemoteConfig:
    """Settings of an endpoint.

    model: empty: the only one that the server lists. instructions: explain the plan language in the prompt; None: for
    chat only. plan_language: version that a student behind it was trained on (its model card). grammar: field of the
    request for a grammar. api_key_env: environment variable with the key, if the server needs one. timeout_s: of each
    attempt; a failed one is repeated `retries` times with growing pauses. extra_body: further fields of the request,
    for example {chat_template_kwargs: {enable_thinking: false}}.
    """

    base_url: str = "http://localhost:8000/v1"
    model: str = ""
    api: Literal["completions", "chat"] = "completions"
    instructions: bool | None = None
    grammar: GrammarField = "structured_outputs"
    api_key_env: str = "OPENAI_API_KEY"
    temperature: float = 0.0
    max_new_tokens: int = 160
    plan_language: int = 1
    timeout_s: float = 10.0
    retries: int = 1
    extra_body: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError(f"base_url {self.base_url!r} is no address; for example http://basestation:8000/v1")
        if self.timeout_s <= 0 or self.max_new_tokens < 1 or self.retries < 0 or self.temperature < 0:
            raise ValueError(
                "timeout_s and max_new_tokens must be above zero, retries and temperature not below; "
                f"got {self.timeout_s}, {self.max_new_tokens}, {self.retries}, {self.temperature}"
            )

    @property
    def host(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def address(self) -> str:
        """base_url without a password, for messages and records."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{self.host}{parts.path}"


@dataclass(frozen=True)
class Reply:
    """A reply, and the server's token counts (0 if it does not report them)."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class RemoteModel:
    """A `LanguageModel` behind an endpoint. Thread-safe; concurrency is left to the server."""

    def __init__(self, config: RemoteConfig = RemoteConfig()) -> None:
        """Lists the server's models and requests one short reply. Raises ModelError with what to do."""
        self.config = config
        openai = _openai()
        self._client = openai.OpenAI(
            base_url=config.base_url,
            api_key=os.environ.get(config.api_key_env) or "none",
            timeout=config.timeout_s,
            max_retries=config.retries,
        )
        self.model = config.model
        listed = self._listed()
        if not config.model:
            if len(listed) != 1:
                names = ", ".join(listed[:10]) or "none"
                raise ModelError(f"{config.address} serves {len(listed)} models ({names}); name one in `model`")
            self.model = listed[0]
        self.name = f"{self.model}@{config.host}"
        explained = config.instructions if config.instructions is not None else config.api == "chat"
        self.plan_language = LANGUAGE_VERSION if explained else config.plan_language
        self._probe(listed)

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        """The continuation of `prompt`; see `LanguageModel`. Raises ModelError."""
        return self.complete(prompt, grammar, on_text).text

    def complete(
        self,
        prompt: str,
        grammar: str = "",
        on_text: Callable[[str], bool] | None = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
    ) -> Reply:
        """One reply to a prompt in ChatML (reasoning/prompting/prompt.py). Raises BusyError, ModelError."""
        c = self.config
        explain = c.instructions if c.instructions is not None else c.api == "chat"
        text = instructed(prompt) if explain else prompt
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": max_new_tokens or c.max_new_tokens,
            "temperature": c.temperature if temperature is None else temperature,
            "stream": on_text is not None,
            "extra_body": {**c.extra_body, **self._grammar_field(grammar)},
        }
        with self._explained():
            if c.api == "chat":
                answer = self._client.chat.completions.create(messages=messages(text), **request)
            else:
                answer = self._client.completions.create(prompt=text, stop=[END], **request)
            return self._streamed(answer, on_text) if on_text else self._complete(answer)

    def _grammar_field(self, grammar: str) -> dict[str, Any]:
        if not grammar or self.config.grammar == "none":
            return {}
        if self.config.grammar == "structured_outputs":
            return {"structured_outputs": {"grammar": grammar}}
        return {self.config.grammar: grammar}

    def _complete(self, answer: Any) -> Reply:
        choices = getattr(answer, "choices", None)
        if not choices:
            raise self._no_api(answer)
        usage = getattr(answer, "usage", None)
        counts = (getattr(usage, key, 0) or 0 for key in ("prompt_tokens", "completion_tokens"))
        message = getattr(choices[0], "message", choices[0])  # for /completions the text is in the choice
        return Reply(_text(message).partition(END)[0], *counts)

    def _streamed(self, answer: Any, on_text: Callable[[str], bool]) -> Reply:
        """Passes each piece to on_text; closing the connection stops the server."""
        if not hasattr(answer, "close"):
            raise self._no_api(answer)
        end, parts, received = time.monotonic() + self.config.timeout_s, [], False
        with answer:
            for chunk in answer:
                for choice in (getattr(chunk, "choices", None) or ())[:1]:
                    received = True
                    piece = _text(getattr(choice, "delta", choice))
                    parts.append(piece)
                    if piece and on_text(piece):
                        return Reply("".join(parts))
                if time.monotonic() > end:
                    raise self._too_slow()
        if not received:
            raise self._no_api("".join(parts))
        return Reply("".join(parts).partition(END)[0])

    def _listed(self) -> list[str]:
        with self._explained():
            try:
                text = self._client.models.with_raw_response.list().http_response.text
            except _openai().APIStatusError as error:
                if self.model and error.status_code not in (401, 403):
                    return []  # some servers have no list; the probe checks the model
                raise
        try:
            page = json.loads(text)
        except ValueError as error:
            raise self._no_api(text) from error
        data = page.get("data") if isinstance(page, dict) else None
        if not isinstance(data, list):
            raise self._no_api(text)
        return [str(model.get("id")) for model in data if isinstance(model, dict)]

    def _probe(self, listed: list[str]) -> None:
        """Requests one short reply, to check model and grammar: lists may be incomplete, and grammars be ignored."""
        try:
            reply = self.complete("<|im_start|>user\nSay yak.<|im_end|>\n", _PROBE, max_new_tokens=8).text.strip()
        except BusyError:
            raise
        except ModelError as error:
            known = "" if self.model in listed else f"; it lists {', '.join(listed[:10]) or 'no models'}"
            raise ModelError(f"{error}{known}") from error
        if self.config.grammar != "none" and reply != "yak":
            _LOG.warning(
                "%s does not keep to a grammar in the field %s: replies are only checked afterwards. Set `grammar` to "
                "structured_outputs (vLLM), ebnf (SGLang), grammar (llama.cpp), or none",
                self.config.address,
                self.config.grammar,
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Translates the client's exceptions to ModelError with what to do."""
        openai, c = _openai(), self.config
        try:
            yield
        except openai.APITimeoutError as error:
            raise self._too_slow() from error
        except openai.APIConnectionError as error:
            cause = str(error.__cause__ or error)
            raise ModelError(
                f"{c.address} cannot be reached ({cause}); is the server running, and are host and port right?"
            ) from error
        except openai.APIStatusError as error:
            raise self._refused(error.status_code, _brief(error.response.text or error.message)) from error
        except openai.OpenAIError as error:  # an error within a stream, or an invalid body
            raise BusyError(f"{c.address} failed while it replied ({_brief(error)}); see the server's log") from error
        except json.JSONDecodeError as error:
            raise self._no_api(error) from error

    def _refused(self, code: int, text: str) -> ModelError:
        c = self.config
        if code in (401, 403):
            return ModelError(
                f"{c.address} refuses the key ({code}: {text}); put one into the environment variable {c.api_key_env}"
            )
        if code == 404:
            what = f"no model {self.model!r}, or no {c.api} endpoint" if self.model else "no list of models"
            return ModelError(
                f"{c.address} has {what} ({text}); check `model`, `api`, and that base_url ends as the server says "
                "(mostly /v1)"
            )
        if code == 429:
            return BusyError(
                f"{c.address} refuses because of too many requests (429: {text}), {c.retries} repeats included; "
                "wait, ask fewer at a time, or raise `retries`"
            )
        if code >= 500 or code == 408:
            return BusyError(f"{c.address} failed ({code}: {text}), {c.retries} repeats included; see its log")
        return ModelError(
            f"{c.address} refuses the request ({code}: {text}); does it know the model, and the field for a grammar "
            f"(`grammar: {c.grammar}`; none leaves it out)?"
        )

    def _too_slow(self) -> ModelError:
        c = self.config
        return BusyError(
            f"{c.address} gave no whole reply within {c.timeout_s:g} s; raise timeout_s, ask fewer at a time, "
            "or serve a smaller model"
        )

    def _no_api(self, answer: object) -> ModelError:
        return ModelError(
            f"{self.config.address} answers, but not as an OpenAI-compatible API ({_brief(answer)}); "
            "check base_url: it mostly ends in /v1"
        )


def _text(part: Any) -> str:
    """The text of a choice, a message or a delta."""
    text = getattr(part, "content", None) or getattr(part, "text", None)
    return text if isinstance(text, str) else ""


def _brief(what: object) -> str:
    return " ".join(str(what).split())[:200] or type(what).__name__


def _openai():
    try:
        import openai
    except ImportError as error:
        raise ModelError(
            f"the client for remote models is missing ({error}); get it with `pip install openai`"
        ) from error
    return openai
