"""Language models and word meaning behind two protocols; each backend is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..config import load_config
from ..errors import ConfigError
from ..weights import needs_extra
from .protocol import LanguageModel, WordMeaning

LANGUAGE_MODELS = ("openvino", "transformers", "remote")


def make_language_model(
    backend: str = "openvino", config: str | Path | None = None, overrides: Sequence[str] = ()
) -> LanguageModel:
    """The language model of that backend, loaded: some seconds. config: YAML file; overrides: "threads=4".

    Raises ConfigError for an unknown backend or setting, ModelError for files that are missing or damaged, and for
    a server that cannot be used.
    """
    if backend == "openvino":
        from .language_models.openvino import OpenVinoConfig, OpenVinoModel

        return OpenVinoModel(load_config(OpenVinoConfig, config, overrides))
    if backend == "transformers":
        from .language_models.transformers import TransformersConfig, TransformersModel

        with needs_extra("transformers", "the language model backend transformers"):
            import torch  # noqa: F401
            import transformers  # noqa: F401
        return TransformersModel(load_config(TransformersConfig, config, overrides))
    if backend == "remote":
        from .language_models.remote import RemoteConfig, RemoteModel

        return RemoteModel(load_config(RemoteConfig, config, overrides))
    raise ConfigError(f"unknown language model {backend!r}; there are: {', '.join(LANGUAGE_MODELS)}")


def make_word_meaning(config: str | Path | None = None, overrides: Sequence[str] = ()) -> WordMeaning:
    """The sentence-embedding model behind `like`, loaded. Raises ConfigError, ModelError."""
    from .word_meaning.meaning import MeaningConfig, SentenceMeaning

    return SentenceMeaning(load_config(MeaningConfig, config, overrides))
