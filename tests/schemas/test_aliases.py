"""Old names of config keys: all of them are accepted, each with one warning that names the new key."""

import json
import re
from typing import Any

import pytest

from schemas.aliases import CONFIG_KEYS, REMOVED_KEYS, rename_keys, restore_keys
from schemas.config import Config
from schemas.load import ConfigError, load_config

VALUES = {"colocate": True, "microbatch_tokens": 64, "code_tests": {"min_tests": 7}}
"""What a key is set to, by its name today; 2 for the others."""
BASE = {"run": "r", "sources": [{"name": "s", "files": "-"}]}


def place(path: list[str], value: Any) -> Any:
    """`value` inside the mappings and lists that `path` names."""
    for part in reversed(path):
        value = [{"name": "one"} | value] if part == "*" else {part: value}
    return value


def read(config: Config, path: list[str]) -> Any:
    value: Any = config
    for part in path:
        value = value[0] if part == "*" else getattr(value, part)
    return value


@pytest.mark.parametrize("old", CONFIG_KEYS)
def test_an_old_key_is_read_under_its_new_name(old: str, tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    *parents, last = old.split(".")
    new = CONFIG_KEYS[old]
    value = VALUES.get(new, 2)
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(BASE | place([*parents, last], value)))
    config = load_config(file)
    section = read(config, [*parents, new])
    assert section == (type(section)(**value) if isinstance(value, dict) else value)
    assert [old.replace("*", "0") in line and line.endswith(new) for line in caplog.messages] == [True]
    caplog.clear()
    file.write_text(json.dumps(BASE | place([*parents, new], value)))
    assert load_config(file, [f"{old.replace('*', '0')}={json.dumps(value)}"]) == config
    assert [new in line for line in caplog.messages] == [True]
    file.write_text(json.dumps(BASE | place(parents, {last: value, new: value})))
    with pytest.raises(ConfigError, match=f"{last} is the old name of {new}"):
        load_config(file)


def test_a_key_of_a_section_that_had_another_name_is_set_from_the_command_line(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(BASE))
    assert load_config(file, ["court.author.enabled=true"]).code_tests.author.enabled
    assert caplog.messages == [
        "--set court.author.enabled=true: court.author.enabled is now called code_tests.author.enabled"
    ]


def test_keys_of_checkpoints_are_hashed_under_the_old_names() -> None:
    config = Config.model_validate(BASE | {"train": {"stages": [{"name": "groups"}]}})
    stage = json.loads(restore_keys("train.stages.*", config.train.stages[0].model_dump_json()))
    assert list(stage)[:4] == ["name", "data", "steps", "groups"]
    train = restore_keys("train", config.train.model_dump_json(exclude={"stages"}))
    assert {"group", "micro_tokens", "ahead", "share_device"} <= set(json.loads(train))
    assert rename_keys({"train": json.loads(train)})[0]["train"] == config.train.model_dump(
        mode="json", exclude={"stages"}
    )


@pytest.mark.parametrize("path", REMOVED_KEYS)
def test_a_key_that_is_a_constant_now_is_named_with_its_value(
    path: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file, constant = tmp_path / "run.yaml", REMOVED_KEYS[path]
    other = [*constant, "one"] if isinstance(constant, list) else constant + 1
    plain = Config.model_validate(BASE)
    file.write_text(json.dumps(BASE | place(path.split("."), constant)))
    assert load_config(file) == plain
    assert [f"{path} is no longer a key: it is always {constant}" in line for line in caplog.messages] == [True]
    file.write_text(json.dumps(BASE | place(path.split("."), other)))
    with pytest.raises(
        ConfigError, match=re.escape(f"{path} is no longer a key: it is always {constant}, not {other}")
    ):
        load_config(file)
    file.write_text(json.dumps(BASE))
    with pytest.raises(ConfigError, match="is no longer a key"):
        load_config(file, [f"{path}={json.dumps(other)}"])
    # The config in the manifest of a run that is there stays readable.
    assert Config.model_validate(BASE | place(path.split("."), other)) == plain


def test_no_cap_meant_no_weights() -> None:
    old = Config.model_validate(BASE | {"train": {"importance_cap": None}})
    assert old.train.importance == "none"
    assert old.train.importance_cap == Config.model_validate(BASE).train.importance_cap
