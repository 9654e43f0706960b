"""Translation of a part of the English problems."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict

TranslationLanguage = Literal["fr", "es", "it", "de", "zh", "ru"]
APERTIUM_LANGUAGES: tuple[TranslationLanguage, ...] = ("fr", "es", "it")
"""What Debian's packages of Apertium reach from English."""


class TranslateConfig(Strict):
    """Problems in other languages (Magistral paper, section 2.2): without them a model that is rewarded for keeping the
    language never sees another one."""

    enabled: bool = False
    """Off: a translation is only as good as the model, and the embedded one passes the check almost never."""
    by: Literal["model", "apertium"] = "model"
    """Who translates: the model of `model`, or Apertium, a program with rules for Spanish and, by way of it, French and
    Italian. Its prose is rough; it is there so that a run without a capable model has real translations."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The share of the English problems, as in the paper: 10%."""
    languages: tuple[TranslationLanguage, ...] = ("fr", "es", "it", "de", "zh", "ru")
    """The paper's six; it does not say how they share the tenth, so here each has as many. With `by: apertium` the
    three that it reaches, unless some of them are named."""
    attempts: Annotated[int, Field(ge=1)] = 3
    """Each attempt after the first names what was wrong. What a model gets wrong three times it gets wrong again.
    Apertium always replies the same, and is asked once."""
    max_tokens: Annotated[int, Field(ge=1)] = 2048
    """A long statement has about 700 tokens in English and up to twice as many in Russian or Chinese."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Greedy: a translation has one right meaning, and a retry differs by what its prompt names."""
    failed: Literal["keep", "reject"] = "keep"
    """A problem whose translation fails stays in English with a note; `reject` drops it as `translation_failed`, for a
    set whose languages must keep their shares."""

    @model_validator(mode="before")
    @classmethod
    def _reach(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("by") == "apertium":
            return {"languages": APERTIUM_LANGUAGES} | data
        return data

    @model_validator(mode="after")
    def _distinct(self) -> "TranslateConfig":
        if not self.languages or len(set(self.languages)) < len(self.languages):
            raise ValueError("translate.languages wants at least one language, and each once")
        if self.by == "apertium" and (beyond := [name for name in self.languages if name not in APERTIUM_LANGUAGES]):
            raise ValueError(
                f"translate.languages: Apertium does not translate into {', '.join(beyond)}; leave only "
                f"{', '.join(APERTIUM_LANGUAGES)}, or set translate.by to model"
            )
        return self
