"""Which model grades, and how its engine runs; how the engines of rollouts run beside it."""

from typing import Annotated, Any

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
    weights: str | None = None
    """Folder of the checkpoint that the servers of `url` were given in place of the weights that they were started
    with; the loop sets it for pass 2 (`train.on_servers`). A server with other weights is not asked."""
    dtype: str = "auto"
    """vLLM's name of the weights' type; `auto` takes what the model was saved in."""
    max_model_len: Annotated[int, Field(ge=16)] = 2048
    """Prompt and completion together; bounds the KV cache. Raise it with `sampling.max_tokens`."""
    max_num_seqs: Annotated[int, Field(ge=1)] = 256
    """Sequences decoded together: 290 tokens/s with 256 against 197 with 64 on two cores."""
    enforce_eager: bool | None = None
    """Neither compile the model nor capture CUDA graphs. None does so on a CPU alone, where compiling takes a minute
    and gained nothing."""
    restarts: Annotated[int, Field(ge=0)] = 3
    """How often a dead engine is started again before the run stops; what was pending is sampled again."""
    timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds without a sign of life after which the engine counts as hung (or one request to `url` as failed): it
    gives one at each of its steps, however long completions are, and none while it starts."""
    engines: Annotated[int, Field(ge=1)] = 1
    """vLLM engines on this machine, each on GPUs of its own (`engine.tensor_parallel_size` of them, else one): on a
    node with eight, eight engines of a model that fits one."""
    concurrency: Annotated[int, Field(ge=1)] = 64
    """Requests in flight to each server: enough to fill its batch."""
    engine: dict[str, Any] = {}
    """Further vLLM engine arguments by their own names, such as tensor_parallel_size."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every server's base URL; empty where vLLM runs here."""
        return () if self.url is None else (self.url,) if isinstance(self.url, str) else self.url

    @property
    def devices(self) -> int:
        """GPUs that one engine computes on."""
        return int(self.engine.get("tensor_parallel_size", 1)) * int(self.engine.get("pipeline_parallel_size", 1))

    @model_validator(mode="after")
    def _engines_are_here(self) -> "ModelConfig":
        if self.url is not None and self.engines != 1:
            raise ValueError(
                "model.engines starts engines here, and model.url names servers elsewhere; give one of them"
            )
        return self

    @model_validator(mode="after")
    def _one_engine(self) -> "ModelConfig":
        _refuse_replicas(self.engine, "model")
        return self

    @model_validator(mode="after")
    def _each_server_once(self) -> "ModelConfig":
        plain = [url.rstrip("/") for url in self.urls]
        twice = sorted({url for url in plain if plain.count(url) > 1})
        if twice:
            raise ValueError(f"model.url has {twice[0]} twice; name each server once")
        bad = [url for url in plain if not url.startswith(("http://", "https://"))]
        if bad:
            raise ValueError(f"model.url {bad[0]!r} is not a URL; example: http://127.0.0.1:8000/v1")
        return self


def _refuse_replicas(engine: dict[str, Any], section: str) -> None:
    if engine.get("data_parallel_size", 1) != 1:
        raise ValueError(
            f"{section}.engine.data_parallel_size works across processes, and the engine here is one; set "
            f"{section}.engines to the number of replicas"
        )


class RolloutEngineConfig(Strict):
    """How the engines run that generate for the trainer. What is not given is as in `model`: grading has the machine to
    itself, and asks for other lengths.
    """

    engines: Annotated[int, Field(ge=1)] | None = None
    """Engines, each on GPUs of its own; none is as many as fit on the GPUs that `placement` leaves them."""
    max_model_len: Annotated[int, Field(ge=16)] | None = None
    """Prompt and completion together: at least the longest of `train.stages.*.max_tokens`, and the prompt."""
    max_num_seqs: Annotated[int, Field(ge=1)] | None = None
    """Sequences decoded together by each engine."""
    enforce_eager: bool | None = None
    """Neither compile the model nor capture CUDA graphs."""
    engine: dict[str, Any] = {}
    """Further vLLM engine arguments by their own names, over those of `model.engine`; such as tensor_parallel_size."""

    def over(self, model: ModelConfig) -> ModelConfig:
        """`model`, with what is given here in its place. Raises ValueError where that is no sound model."""
        given = {name: value for name, value in self if name != "engine" and value is not None}
        return ModelConfig.model_validate(
            model.model_dump() | {"url": None} | given | {"engine": model.engine | self.engine}
        )

    @model_validator(mode="after")
    def _one_engine(self) -> "RolloutEngineConfig":
        _refuse_replicas(self.engine, "train.rollout_engine")
        return self
