"""Who grades and how: model, prompt, samples, verifier, and what the evidence means."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas.config.base import Strict


class ModelConfig(Strict):
    """Which model grades, and how its engine runs."""

    name: str = "embedded"
    """`embedded` (SmolLM2-135M-Instruct out of its wheel), a Hub name or a folder; with `url`, the name served."""
    url: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Base URL of a running OpenAI-compatible server, such as http://127.0.0.1:8000/v1, or of any number that serve the
    same model; none starts vLLM here."""
    api_key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable with the key of `url`, so that no key stands in a file."""
    revision: str | None = None
    """Commit or tag of `name` on the Hub, so that the samples of one run come from one model; none is the newest."""
    dtype: str = "auto"
    """vLLM's name of the weights' type; `auto` takes what the model was saved in."""
    max_model_len: Annotated[int, Field(ge=16)] = 2048
    """Prompt and completion together; bounds the KV cache. Raise it with `sampling.max_tokens`."""
    max_num_seqs: Annotated[int, Field(ge=1)] = 256
    """Sequences decoded together: 290 tokens/s with 256 against 197 with 64 on two cores."""
    enforce_eager: bool = True
    """Compilation takes a minute and gained nothing on CPU; turn it off on a GPU for long runs."""
    restarts: Annotated[int, Field(ge=0)] = 3
    """How often a dead engine is started again before the run stops; what was pending is sampled again."""
    timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds without any completion after which the engine counts as hung (or one request to `url` as failed)."""
    concurrency: Annotated[int, Field(ge=1)] = 64
    """Requests in flight to each server: enough to fill its batch."""
    engine: dict[str, Any] = {}
    """Further vLLM engine arguments by their own names, such as tensor_parallel_size."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every server's base URL; empty where vLLM runs here."""
        return () if self.url is None else (self.url,) if isinstance(self.url, str) else self.url

    @model_validator(mode="after")
    def _each_server_once(self) -> "ModelConfig":
        plain = [url.rstrip("/") for url in self.urls]
        twice = sorted({url for url in plain if plain.count(url) > 1})
        if twice:
            raise ValueError(f"model.url has {twice[0]} twice; name each server once")
        bad = [url for url in plain if not url.startswith(("http://", "https://"))]
        if bad:
            raise ValueError(f"model.url {bad[0]!r} is no URL; write such as http://127.0.0.1:8000/v1")
        return self


class PromptConfig(Strict):
    """How a problem is put to the model."""

    template: str = "think"
    """A file of pipeline/inference/prompts by name, or a path: `think` as in the paper, `plain` the bare statement."""
    chat: bool = True
    """Through the model's chat template; off for raw continuation."""


class SamplingConfig(Strict):
    """16 solutions a problem (paper section 4.1)."""

    n: Annotated[int, Field(ge=1)] = 16
    """Samples a problem: the paper's 16. Fewer tell a hard problem from an unsolved one less surely."""
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """The paper evaluates at 0.7 (section 5)."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """1 cuts nothing off: a pass rate should count all that the model would say."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """Longest completion. Small enough for the embedded model on a CPU; a model that reasons needs many times as many,
    and with them a larger `model.max_model_len`."""
    stop_strings: tuple[str, ...] = ()
    """Cut a completion where a base model would go on to a question of its own."""
    stop: Literal["early", "full"] = "early"
    """`early` stops a problem when no outcome of its remaining samples can change its decision; `full` takes all n."""


class VerifyConfig(Strict):
    """How an answer is found and compared; the same for curation and for the reward."""

    extract: Literal["boxed", "last"] = "boxed"
    """`boxed` is the paper's: the last box, or of a program the first fenced block that names its language. `last` is
    for models that do neither: it takes the last number or expression, or a bare function."""
    format: Literal["none", "think"] = "none"
    """`think` also demands the paper's format (section 2.2); grading asks only whether the answer is right."""
    timeout: Annotated[float, Field(gt=0)] = 5.0
    """Seconds of a process for one hard comparison (four times as many on the clock); past it the process is killed and
    the verdict is unknown."""
    memory_mb: Annotated[int, Field(ge=256)] = 1024
    """MiB that one process may take over what its libraries take; past it the verdict is unknown."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Processes for hard comparisons; common answers need none."""
    tests: Annotated[int, Field(ge=1)] = 20
    """Tests of a code problem that are drawn for its samples, as many as in the paper; its id decides which, so the
    whole group has the same ones."""


class KeepConfig(Strict):
    """The window of difficulty, in correct samples of 16 (scaled when n differs). The paper prints no thresholds."""

    min: Annotated[int, Field(ge=0)] = 1
    """At least one success, or there is nothing to reinforce."""
    max: Annotated[int, Field(ge=0)] = 12
    """Past three in four, most groups are all correct and give no advantage."""
    of: Annotated[int, Field(ge=1)] = 16
    """The number of samples that `min` and `max` count in, whatever `sampling.n` is."""

    @model_validator(mode="after")
    def _ordered(self) -> "KeepConfig":
        if not self.min <= self.max <= self.of:
            raise ValueError(f"keep needs min <= max <= of, not {self.min}, {self.max}, {self.of}")
        return self


class DecideConfig(Strict):
    """What the evidence means beside the keep window."""

    contradiction_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """A label is contradicted when more than this share of the samples agree on one answer that is not the label's,
    and it has more votes than the label's."""
    max_unknown: Annotated[int, Field(ge=0)] = 2
    """Up to this many unknown samples of n are left out; with more, the problem is undetermined where they matter."""
    translations: Literal["own", "match"] = "own"
    """A translation is kept by its own pass rate; `match` also wants it to be about its original's (their 90% intervals
    overlap), which catches what the check of the text cannot see, and drops what is only harder in that language."""
