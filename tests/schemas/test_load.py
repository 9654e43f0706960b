"""A config is read whole, changed by overrides, and refused with file, line and the nearest right key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Config, KeepConfig, Source
from schemas.load import ConfigError, apply_override, build_config, load_config

SMALL: dict[str, Any] = {"run": "runs/x", "sources": [{"name": "a", "reasoning_gym": "chain_sum"}]}
KEYS = st.text(alphabet="abcxyz_", min_size=1, max_size=4)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet="abc: #'é", max_size=8)
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


def test_a_small_config_has_the_papers_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, yaml.safe_dump(SMALL)))
    assert (config.sampling.n, config.keep.min, config.keep.max, config.keep.of) == (16, 1, 12, 16)
    assert (config.verify.extract, config.sampling.stop) == ("boxed", "early")


def test_a_config_written_out_reads_back_the_same() -> None:
    config = build_config(SMALL, ["keep.max=10", "sources.0.size=8"])
    assert build_config(config.model_dump(mode="json")) == config
    assert config.sources[0].size == 8


def test_one_model_of_several_is_set_by_its_place() -> None:
    """A list of models has no `model.name`: which one was meant would be a guess."""
    several = {**SMALL, "model": [{"name": "first"}, {"name": "second"}]}
    config = build_config(several, ["model.0.name=other", "model.1.revision=main"])
    assert (config.model.name, [grader.model and grader.model.revision for grader in config.also_graded_by]) == (
        "other",
        ["main"],
    )
    with pytest.raises(ConfigError, match=r"model is a list of 2 here; say which one .* such as model\.0"):
        build_config(several, ["model.name=other"])


@given(path=st.lists(KEYS, min_size=1, max_size=4), value=SCALARS, before=st.dictionaries(KEYS, SCALARS, max_size=3))
def test_an_override_sets_its_key_and_nothing_else(path: list[str], value: Any, before: dict[str, Any]) -> None:
    before = {key: item for key, item in before.items() if key != path[0]}
    data = before | {"kept": 1}
    after = apply_override(data, f"{'.'.join(path)}={yaml.safe_dump(value).removesuffix('...' + chr(10)).strip()}")
    node: Any = after
    for key in path:
        node = node[key]
    assert node == value
    assert {key: item for key, item in after.items() if key != path[0]} == {
        k: v for k, v in data.items() if k != path[0]
    }
    assert data == before | {"kept": 1}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("keep.max", "write path.to.key=value"),
        ("=3", "write path.to.key=value"),
        ("keep..max=3", "write path.to.key=value"),
        ("keep.max=[", "the value is not YAML"),
        ("sources.7.size=3", "list index 7 is out of range (0 to 0)"),
        ("sources.first.size=3", "sources is a list of 1 here; say which one by its place, such as sources.0"),
        ("run.name=3", "'name' would be set inside a plain value"),
        ("keep.mx=3", "keep.mx: unknown key; did you mean 'max'"),
        ("keep.max=99", "keep: keep needs min <= max <= of"),
    ],
)
def test_a_wrong_override_says_what_is_wrong_with_it(override: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        build_config(SMALL, [override])
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "run: x\nsources:\n- name: a\n  reasoning_gm: chain_sum\n",
            ":4: sources.0.reasoning_gm: unknown key; did you mean",
        ),
        ("run: x\nsamplng:\n  n: 4\nsources: []\n", ":2: samplng: unknown key; did you mean 'sampling'"),
        (
            "run: x\nsources:\n- name: a\n  reasoning_gym: t\nkeep:\n  zzz: 4\n",
            ":6: keep.zzz: unknown key; known here: min, max, of",
        ),
        ("run: x\nsources:\n- name: a\n  reasoning_gym: t\nsampling:\n  n: many\n", ":6: sampling.n: "),
        ("run: x\nsources: []\n", "sources is empty; name at least one"),
        ("run: x\nsources:\n- {name: a, files: f}\n- {name: a, files: g}\n", "two sources are called 'a'"),
        ("run: x\nsources:\n- {name: a, files: f, dataset: d}\n", ":3: sources.0: source 'a' names dataset and files"),
        ("run: x\nsources:\n- {name: a}\n", "source 'a' names no place"),
        ("sources:\n- {name: a, files: f}\n", ": run: "),
        ("- run: x\n", "a config is a mapping of keys to values, not list"),
        ("run: [x\n", "not YAML"),
        ("", "a config is a mapping of keys to values, not NoneType"),
    ],
)
def test_a_wrong_file_says_where_and_how_to_mend_it(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, "run: x\nsources:\n- {name: a, files: f}\nkep: 1\nsampling:\n  top_p: 3\n"))
    assert [line.partition(": ")[0].rpartition(":")[2] for line in str(error.value).splitlines()] == ["6", "4"]


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nothere\.yaml: No such file or directory; give the path of a run config"):
        load_config("nothere.yaml")


def test_a_config_does_not_change() -> None:
    config = Config.model_validate(SMALL)
    with pytest.raises(ValueError, match="frozen"):
        config.keep.max = 3  # type: ignore[misc]
    assert KeepConfig() == KeepConfig(min=1, max=12, of=16)
    assert Source(name="a", files=("b", "c")).files == ("b", "c")
