"""The run config: every number that matters, with its reason. One YAML file is one `Config`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Frozen, and no key that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Strict):
    """Where problems are from: a `dataset` (Hub name or folder), `files` (Parquet, JSONL) or a `reasoning_gym` task."""

    name: Annotated[str, Field(min_length=1)]
    dataset: str | None = None
    files: str | tuple[str, ...] | None = None
    reasoning_gym: str | None = None
    preset: str | None = None
    columns: dict[str, str] = {}
    """Contract name -> name in the source; dots reach into structs. Overrides the preset's."""
    subset: str | None = None
    split: str | None = None
    """Without one the preset's, which is `train` but for sets that have only a `test`."""
    revision: str | None = None
    streaming: bool = True
    """Streaming keeps memory bounded by a shard whatever the size of the set."""
    params: dict[str, Any] = {}
    size: Annotated[int, Field(ge=1)] = 100
    seed: int = 0
    limit: Annotated[int, Field(ge=1)] | None = None
    domain: Literal["math", "code"] | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        given = [kind for kind in ("dataset", "files", "reasoning_gym") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"source {self.name!r} names {' and '.join(given) or 'no place'}; "
                "give exactly one of dataset, files, reasoning_gym"
            )
        return self


class JudgeConfig(Strict):
    """The model-judged second look at what the rules kept."""

    enabled: bool = False
    """Off: the rules alone meet their aims, and a small model loses more good problems than it finds bad ones."""
    max_tokens: Annotated[int, Field(ge=1)] = 256


class ScreenConfig(Strict):
    """Format filtering (paper section 4.1): complete problems with an answer that a rule can verify."""

    choice: Literal["rewrite", "reject"] = "rewrite"
    """Multiple choice becomes an open problem, as in the paper; `reject` drops it."""
    reject_guessable: bool = True
    """Yes/no and true/false give a reward of one half for guessing."""
    asymptote: Literal["keep", "reject"] = "keep"
    """A figure given as Asymptote code is in the statement, so the problem is complete."""
    judge: JudgeConfig = JudgeConfig()


class AuthorConfig(Strict):
    """Generators and validators of test inputs that the grading model writes for problems that lack tests."""

    enabled: bool = False
    """Off: it needs a model that can program; mutations and a problem's own generator come first."""
    max_tokens: Annotated[int, Field(ge=1)] = 2048
    """Thoughts and a program of a page."""


class CourtConfig(Strict):
    """Code: solutions and tests judged by each other (paper section 4.2, which prints none of these numbers)."""

    min_solutions: Annotated[int, Field(ge=2)] = 3
    """Distinct agreeing solutions that may set or repair an expected output: two can share a mistake by chance."""
    min_share: Annotated[float, Field(gt=0.5, le=1)] = 0.6
    """Share of the trusted votes that must agree: a clear majority, not a bare one."""
    min_tests: Annotated[int, Field(ge=1)] = 5
    """Fewer trusted tests let too many wrong programs pass; a problem with fewer gets generated ones, or goes."""
    max_tests: Annotated[int, Field(ge=1)] = 20
    """Generated tests are cut to the most telling, until there are this many: the paper's reward draws 20."""
    max_repair: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Where the solutions contradict more than this share of the given outputs, that is no accident of a test set but
    another problem, or one with several answers; the problem goes. A tenth of wrong outputs stays well below."""
    generate: bool = True
    """Make tests where there are fewer than min_tests; off, such problems go."""
    candidates: Annotated[int, Field(ge=1)] = 40
    """Inputs made in one round."""
    rounds: Annotated[int, Field(ge=1)] = 4
    """Rounds of inputs at most; it stops once every solution that can be told wrong is."""
    min_kill: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of the known-wrong programs that generated tests must catch; below it another round is made."""
    languages: tuple[Literal["python", "cpp"], ...] = ("python", "cpp")
    """Statements are duplicated to ask for each of these where it applies (function calls are Python only); with none
    they stay as they are, and either language will do."""
    author: AuthorConfig = AuthorConfig()
    seed: int = 0
    """Of the mutations: the same tests on every run."""


class SandboxConfig(Strict):
    """Where programs run that nobody trusts, and what one test may take."""

    mode: Literal["auto", "bubblewrap", "landlock", "unsafe"] = "auto"
    """`auto` takes namespaces, else Landlock with a warning; `unsafe`, which has no walls, has to be asked for."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Programs at once; none is one a core."""
    wall: Annotated[float, Field(gt=0)] = 4.0
    """Seconds a test, not counting those in which the machine had no core for it. A time-out costs as much as a
    thousand tests; contest problems allow one to three seconds in C++."""
    cpu: Annotated[int, Field(ge=1)] = 5
    """CPU seconds over all threads: threads do not multiply the time."""
    memory_mb: Annotated[int, Field(ge=16)] = 300
    """Resident memory at its peak: over the 256 MB that contest problems allow."""
    output_mb: Annotated[int, Field(ge=1)] = 16
    """Of one test; the longest expected outputs are a few MB."""
    files: Annotated[int, Field(ge=8)] = 32
    """Open descriptors: a program needs three."""
    compile_seconds: Annotated[int, Field(ge=1)] = 10
    """CPU seconds of the compiler; half a second is usual."""
    compile_memory_mb: Annotated[int, Field(ge=256)] = 2048
    """Heavy templates take one GB."""


class ModelConfig(Strict):
    """Which model grades, and how its engine runs."""

    name: str = "embedded"
    """`embedded` (SmolLM2-135M-Instruct out of its wheel), a Hub name or a folder; with `url`, the name served."""
    url: str | None = None
    """Base URL of a running OpenAI-compatible server, such as http://127.0.0.1:8000/v1; none starts vLLM here."""
    api_key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable with the key of `url`, so that no key stands in a file."""
    revision: str | None = None
    dtype: str = "auto"
    max_model_len: Annotated[int, Field(ge=16)] = 2048
    """Prompt and completion together; bounds the KV cache. Raise it with `sampling.max_tokens`."""
    max_num_seqs: Annotated[int, Field(ge=1)] = 256
    """Sequences decoded together: 290 tokens/s with 256 against 197 with 64 on two cores."""
    enforce_eager: bool = True
    """Compilation takes a minute and gained nothing on CPU; turn it off on a GPU for long runs."""
    restarts: Annotated[int, Field(ge=0)] = 3
    """How often a dead engine is started again before the run stops; what it owed is asked for again."""
    timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds without any completion after which the engine counts as hung (or one request to `url` as failed)."""
    concurrency: Annotated[int, Field(ge=1)] = 64
    """Requests in flight to `url`: enough to fill a server's batch."""
    engine: dict[str, Any] = {}
    """Further vLLM engine arguments by their own names, such as tensor_parallel_size."""


class PromptConfig(Strict):
    """How a problem is put to the model."""

    template: str = "think"
    """A file of pipeline/sample/prompts by name, or a path: `think` is the paper's way, `plain` the statement alone."""
    chat: bool = True
    """Through the model's chat template; off for raw continuation."""


class SamplingConfig(Strict):
    """16 solutions a problem (paper section 4.1)."""

    n: Annotated[int, Field(ge=1)] = 16
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """The paper evaluates at 0.7 (section 5)."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 1024
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
    workers: Annotated[int, Field(ge=1)] = 2
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


class PublishConfig(Strict):
    """What is written."""

    row_group_rows: Annotated[int, Field(ge=1)] = 1000
    """Small enough to stream from object storage, large enough for zstd."""
    examples: Annotated[int, Field(ge=0)] = 3
    """Problems shown in the report for kept and for each reason."""
    title: str | None = None
    license: str | None = None
    """Goes into the dataset card; the sources decide it."""


class FlowConfig(Strict):
    """How the work is cut and scheduled."""

    shard_rows: Annotated[int, Field(ge=1)] = 2048
    """Memory is bounded by a shard; at 16 samples a shard is 32k completions."""
    concurrency: Annotated[int, Field(ge=1)] = 2
    """Shards in the CPU stages at once; sampling takes one shard after the other through the one engine."""
    retries: Annotated[int, Field(ge=0)] = 2
    retry_delay: Annotated[float, Field(ge=0)] = 1.0
    flush_seconds: Annotated[float, Field(gt=0)] = 2.0
    """Samples are written at least this often: what a killed run can lose beside what is in flight."""
    cron: str = "0 3 * * *"
    """When a deployment runs: at night, after the sources have grown."""


class Config(Strict):
    """One run."""

    run: str
    """The run's folder: a path or any fsspec URL."""
    sources: tuple[Source, ...]
    screen: ScreenConfig = ScreenConfig()
    court: CourtConfig = CourtConfig()
    sandbox: SandboxConfig = SandboxConfig()
    model: ModelConfig = ModelConfig()
    prompt: PromptConfig = PromptConfig()
    sampling: SamplingConfig = SamplingConfig()
    verify: VerifyConfig = VerifyConfig()
    keep: KeepConfig = KeepConfig()
    decide: DecideConfig = DecideConfig()
    publish: PublishConfig = PublishConfig()
    flow: FlowConfig = FlowConfig()

    @model_validator(mode="after")
    def _named_sources(self) -> "Config":
        if not self.sources:
            raise ValueError("sources is empty; name at least one, such as {name: sums, reasoning_gym: chain_sum}")
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; give each its own name")
        return self
