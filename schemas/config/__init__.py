"""The run config: every number that matters, with its reason. One YAML file is one `Config`."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from schemas.aliases import rename_keys
from schemas.config.base import Strict
from schemas.config.code_tests import AuthorConfig, CodeTestsConfig
from schemas.config.curriculum import CurriculumConfig
from schemas.config.decide import DecideConfig, KeepConfig
from schemas.config.decontaminate import Benchmark, DecontaminateConfig
from schemas.config.dedup import DedupConfig, SameConfig
from schemas.config.export import ExportConfig
from schemas.config.flow import FlowConfig
from schemas.config.graders import AlsoGraded
from schemas.config.labels import LabelsConfig
from schemas.config.model import ModelConfig, RolloutEngineConfig
from schemas.config.placement import PlacementConfig
from schemas.config.prompt import PromptConfig
from schemas.config.publish import PublishConfig
from schemas.config.reading import ReadingConfig
from schemas.config.reward import RewardConfig
from schemas.config.sampling import SamplingConfig
from schemas.config.sandbox import SandboxConfig
from schemas.config.screen import JudgeConfig, ScreenConfig
from schemas.config.sources import Source
from schemas.config.train import EvaluationConfig, LoraTraining, TrainConfig, TrainStage
from schemas.config.translate import TranslateConfig
from schemas.config.verify import SecondOpinionConfig, VerifyConfig
from schemas.placement import choose_placement

__all__ = [
    "AlsoGraded",
    "AuthorConfig",
    "Benchmark",
    "CodeTestsConfig",
    "Config",
    "CurriculumConfig",
    "DecideConfig",
    "DecontaminateConfig",
    "DedupConfig",
    "EvaluationConfig",
    "ExportConfig",
    "FlowConfig",
    "JudgeConfig",
    "KeepConfig",
    "LabelsConfig",
    "LoraTraining",
    "ModelConfig",
    "PlacementConfig",
    "PromptConfig",
    "PublishConfig",
    "ReadingConfig",
    "RewardConfig",
    "RolloutEngineConfig",
    "SameConfig",
    "SamplingConfig",
    "SandboxConfig",
    "ScreenConfig",
    "SecondOpinionConfig",
    "Source",
    "Strict",
    "TrainConfig",
    "TrainStage",
    "TranslateConfig",
    "VerifyConfig",
]


def split_models(data: Any) -> Any:
    """A raw config whose `model` is a list, with the first one there and the others among `also_graded_by`."""
    models = data.get("model") if isinstance(data, Mapping) else None
    if not isinstance(models, list | tuple) or not models:
        return data
    others = [{"model": model} for model in models[1:]]
    return {**data, "model": models[0], "also_graded_by": [*others, *(data.get("also_graded_by") or ())]}


class Config(Strict):
    """One run."""

    run: str
    """The run's folder: a path or any fsspec URL."""
    sources: tuple[Source, ...]
    """Where problems come from, one entry a place; at least one."""
    reading: ReadingConfig = ReadingConfig()
    screen: ScreenConfig = ScreenConfig()
    dedup: DedupConfig = DedupConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    code_tests: CodeTestsConfig = CodeTestsConfig()
    sandbox: SandboxConfig = SandboxConfig()
    model: ModelConfig = ModelConfig()
    also_graded_by: tuple[AlsoGraded, ...] = ()
    """Further graders. Their samples are witnesses of the labels, and their pass rates are published; `model` alone
    decides what is too hard or too easy. `model` may also be a list: the first decides, the others are further
    graders."""
    prompt: PromptConfig = PromptConfig()
    sampling: SamplingConfig = SamplingConfig()
    verify: VerifyConfig = VerifyConfig()
    keep: KeepConfig = KeepConfig()
    labels: LabelsConfig = LabelsConfig()
    decide: DecideConfig = DecideConfig()
    translate: TranslateConfig = TranslateConfig()
    train: TrainConfig = TrainConfig()
    placement: PlacementConfig = PlacementConfig()
    publish: PublishConfig = PublishConfig()
    export: ExportConfig = ExportConfig()
    curriculum: CurriculumConfig = CurriculumConfig()
    reward: RewardConfig = RewardConfig()
    flow: FlowConfig = FlowConfig()

    @property
    def rollout_model(self) -> ModelConfig:
        """The model as the engines of rollouts run it."""
        return self.train.rollout_engine.over(self.model)

    @model_validator(mode="before")
    @classmethod
    def _todays_names(cls, data: Any) -> Any:
        return split_models(rename_keys(data)[0])

    @model_validator(mode="after")
    def _completions_fit(self) -> "Config":
        """Refuse what no engine could answer, before it has been loaded for it."""
        limit, sampled = self.model.max_model_len, self.sampling.max_tokens
        if not self.model.urls and sampled >= limit:
            raise ValueError(
                f"sampling.max_tokens is {sampled}, and model.max_model_len, which has to hold the prompt as well, "
                f"{limit}; raise model.max_model_len"
            )
        given = self.train.rollout_engine.max_model_len
        key, limit = ("model", limit) if given is None else ("train.rollout_engine", given)
        for number, stage in enumerate(self.train.stages):
            longest = stage.max_tokens or sampled
            if (stage.max_tokens is not None or given is not None) and longest >= limit:
                raise ValueError(
                    f"train.stages.{number}.max_tokens is {longest}, and {key}.max_model_len, which has to hold the "
                    f"prompt as well, {limit}; raise {key}.max_model_len"
                )
            if stage.l_cache > longest:
                raise ValueError(
                    f"train.stages.{number}.l_cache is {stage.l_cache}, and completions have at most {longest} tokens: "
                    "the shortest would be penalised; lower l_cache, or raise max_tokens"
                )
        return self

    @model_validator(mode="after")
    def _placed(self) -> "Config":
        """Refuse what has no place on the GPUs, where the config says how many there are."""
        given = self.placement
        gpus = given.gpus
        if gpus is None and given.engines and given.trainer:
            gpus = max(*given.engines, *given.trainer) + 1
        if gpus is None:
            return self
        choose_placement(self, gpus)
        grading = 0 if self.model.urls else self.model.engines * self.model.devices
        if given.gpus is not None and grading > given.gpus:
            raise ValueError(
                f"model.engines: {self.model.engines} engines of {self.model.devices} GPUs each want {grading}, and "
                f"placement.gpus is {given.gpus}; lower model.engines or model.engine.tensor_parallel_size"
            )
        return self

    @model_validator(mode="after")
    def _named_sources(self) -> "Config":
        if not self.sources:
            raise ValueError("sources is empty; name at least one, such as {name: sums, reasoning_gym: chain_sum}")
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; give each its own name")
        return self

    @model_validator(mode="after")
    def _servers_for_training(self) -> "Config":
        if self.train.on_servers and not self.model.urls:
            raise ValueError("train.on_servers samples from the servers of model.url; name them, or leave it out")
        return self

    @model_validator(mode="after")
    def _servers_for_ray(self) -> "Config":
        if self.flow.runner == "ray" and not self.model.urls:
            raise ValueError("flow.runner ray needs model.url: an engine in this process cannot be asked from another")
        others = [grader.model for grader in self.also_graded_by if grader.model is not None]
        if self.flow.runner == "ray" and (unserved := [model.name for model in others if not model.urls]):
            raise ValueError(f"flow.runner ray needs a url for every model; also_graded_by {unserved[0]!r} has none")
        return self
