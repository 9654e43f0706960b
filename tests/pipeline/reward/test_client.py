"""What an export writes beside its rows asks the service from any environment, and waits where it is told to."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pipeline.publish.export import export_run
from pipeline.publish.export.sidecars import join_modules, name_package
from pipeline.reward.openrlhf import cut_completion
from tests.conftest import ROOT
from tests.pipeline.publish.export.runs import lay_mixed
from tests.pipeline.publish.small_runs import make_config

Answer = tuple[int, dict[str, Any]]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exports")
    run = lay_mixed(root / "run", verify={"extract": "last"})
    for name in ("trl", "verl", "openrlhf", "prime-rl", "nemo-rl", "nemo-gym"):
        export_run(name, run.root, str(root / name))
    return root


def load(path: Path) -> ModuleType:
    """As verl and OpenRLHF load a reward: from the file, by itself."""
    spec = importlib.util.spec_from_file_location(f"reward_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[Answer]], list[dict[str, Any]]]]:
    """A stand-in for the service with answers told beforehand; gives what it was asked."""
    answers: list[Answer] = []
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body | {"authorization": self.headers["Authorization"]})
            code, said = answers.pop(0)
            self.send_response(code)
            self.send_header("Retry-After", "0.01")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("GOLDILOCKS_REWARD_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("GOLDILOCKS_REWARD_TOKEN", "secret")

    def tell(some: list[Answer]) -> list[dict[str, Any]]:
        answers.extend(some)
        return asked

    yield tell
    server.shutdown()
    server.server_close()
    thread.join()


def says(*rewards: float | None) -> Answer:
    words = ["unknown" if reward is None else "correct" if reward >= 1 else "wrong" for reward in rewards]
    results = [{"reward": r, "verdict": word, "detail": "told"} for r, word in zip(rewards, words, strict=True)]
    return 200, {"results": results}


def test_verl_asks_the_service_with_the_run_s_rules(exports: Path, service: Any) -> None:
    module = load(exports / "verl" / "reward.py")
    asked = service([(503, {"detail": "starting"}), (429, {"detail": "full"}), says(1.1)])
    score = module.compute_score("goldilocks/sums", "so 4", "4", {"statement": "How much?"})
    assert score == {"score": 1.1, "acc": 1.0, "known": 1.0}
    assert len(asked) == 3
    assert asked[0]["items"] == [{"ground_truth": "4", "completion": "so 4", "statement": "How much?"}]
    assert asked[0]["verify"] == {"extract": "last", "format": "none", "thoughts": "marked"}
    assert asked[0]["authorization"] == "Bearer secret"


def test_an_unknown_verdict_is_asked_again_and_then_is_an_error_or_the_number_that_was_given(
    exports: Path, service: Any
) -> None:
    module = load(exports / "verl" / "reward.py")
    asked = service([says(None), says(0.1)])
    assert module.compute_score("goldilocks/sums", "so 5", "4")["score"] == 0.1
    service([says(None)] * 3)
    with pytest.raises(module.UnknownVerdict, match=r"reward_kwargs\.unknown"):
        module.compute_score("goldilocks/sums", "so 5", "4")
    service([says(None)] * 3)
    assert module.compute_score("goldilocks/sums", "so 5", "4", unknown=0.25) == {
        "score": 0.25,
        "acc": 0.0,
        "known": 0.0,
    }
    assert len(asked) == 8


def test_openrlhf_asks_without_the_prompt(exports: Path, service: Any) -> None:
    module = load(exports / "openrlhf" / "reward.py")
    asked = service([says(1.0, 0.1)])
    said = module.reward_func(["Q: 4<|end|>", "Q: 5"], ["Q: ", "Q: "], ["4", "4"])
    assert said["rewards"].tolist() == pytest.approx([1.0, 0.1])
    assert said["scores"].tolist() == [1.0, 0.0]
    assert [one["completion"] for one in asked[0]["items"]] == ["4", "5"]
    service([says(None)] * 3)
    with pytest.raises(module.UnknownVerdict):
        module.reward_func(["Q: 4"], ["Q: "], ["4"])


def test_trl_asks_for_texts_and_messages_and_leaves_out_what_is_unknown(exports: Path, service: Any) -> None:
    module = load(exports / "trl" / "reward.py")
    asked = service([says(1.1, None, 0.1), says(None), says(None)])
    message = [{"role": "assistant", "content": "so 4"}]
    rewards = module.goldilocks(
        completions=[message, "5", "6"], ground_truth=["4"] * 3, statement=["How much?"] * 3, id=[1] * 3
    )
    assert rewards == [1.1, None, 0.1]
    assert [len(one["items"]) for one in asked] == [3, 1, 1]
    assert asked[0]["items"][0] == {"ground_truth": "4", "completion": "so 4", "statement": "How much?"}


@pytest.fixture(params=[True, False], ids=["masks", "cannot mask"])
def stand_in_for_nemo_gym(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """NeMo Gym's base classes as far as the server needs them (it wants Python 3.12; `make readers` has the real one);
    newer ones have `mask_sample`."""
    from pydantic import BaseModel, create_model

    response = create_model("BaseVerifyResponse", reward=(float, ...))
    if request.param:
        response = create_model("BaseVerifyResponse", __base__=response, mask_sample=(bool, False))
    names = ("BaseResourcesServerConfig", "BaseRunRequest", "SimpleResourcesServer")
    module = ModuleType("nemo_gym.base_resources_server")
    for name in names:
        setattr(module, name, type(name, (BaseModel,), {}))
    module.BaseVerifyRequest = create_model("BaseVerifyRequest", response=(Any, ...))  # type: ignore[attr-defined]
    module.BaseVerifyResponse = response  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nemo_gym", ModuleType("nemo_gym"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return bool(request.param)


def test_nemo_gym_verifies_the_messages_of_a_response(exports: Path, service: Any, stand_in_for_nemo_gym: bool) -> None:
    module = load(exports / "nemo-gym" / "resources_servers" / "goldilocks" / "app.py")
    thought = SimpleNamespace(type="reasoning", summary=[SimpleNamespace(text="hm")])
    part = SimpleNamespace(type="output_text", text="so 4")
    response = SimpleNamespace(output=[thought, SimpleNamespace(type="message", content=[part])])
    request = module.ProblemVerifyRequest(ground_truth="4", statement="How much?", response=response)
    asked = service([says(1.0)])
    answer = asyncio.run(module.ProblemsServer.verify(None, request))
    assert (answer.reward, answer.verdict, answer.mask_sample) == (1.0, "correct", False)
    completion = "<think>hm</think>so 4"
    assert asked[0]["items"] == [{"ground_truth": "4", "completion": completion, "statement": "How much?"}]


def test_nemo_gym_never_scores_an_unknown_verdict(exports: Path, service: Any, stand_in_for_nemo_gym: bool) -> None:
    module = load(exports / "nemo-gym" / "resources_servers" / "goldilocks" / "app.py")
    request = module.ProblemVerifyRequest(ground_truth="4", response=SimpleNamespace(output=[]))
    service([says(None)] * 3)
    try:
        masked = asyncio.run(module.ProblemsServer.verify(None, request)).mask_sample
    except module.UnknownVerdict:
        masked = None
    assert masked == (True if stand_in_for_nemo_gym else None)


def test_many_completions_are_asked_for_in_parts(exports: Path, service: Any) -> None:
    module = load(exports / "trl" / "reward.py")
    asked = service([says(*[0.1] * 256), says(*[1.0] * 44)])
    assert module.goldilocks(["x"] * 300, ["4"] * 300) == [0.1] * 256 + [1.0] * 44
    assert [len(one["items"]) for one in asked] == [256, 44]


def test_what_the_service_refuses_is_told_in_its_words(exports: Path, service: Any) -> None:
    module = load(exports / "verl" / "reward.py")
    service([(409, {"detail": "verify.extract is 'boxed' here"})])
    with pytest.raises(RuntimeError, match=r"409.*verify\.extract is 'boxed' here"):
        module.compute_score("goldilocks/sums", "so 4", "4")


def test_without_a_service_it_is_judged_here(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOLDILOCKS_REWARD_URL", raising=False)
    module = load(exports / "verl" / "reward.py")
    assert module.compute_score("goldilocks/sums", "so it is 4", "4")["acc"] == 1.0
    assert module.compute_score("goldilocks/sums", "so it is 5", "4") == {"score": 0.1, "acc": 0.0, "known": 1.0}
    module._rewarder.close()


@pytest.mark.parametrize("name", ["trl", "verl", "openrlhf"])
def test_the_files_need_nothing_but_python(exports: Path, name: str) -> None:
    command = [sys.executable, "-I", "-S", str(exports / name / "reward.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_service_and_without_us_the_error_says_what_to_do(exports: Path) -> None:
    code = f"exec(open({str(exports / 'verl' / 'reward.py')!r}).read()); compute_score('a', 'b', 'c')"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLDILOCKS")}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert "GOLDILOCKS_REWARD_URL" in done.stderr.splitlines()[-1]


def test_the_task_set_is_a_package_that_names_its_class(exports: Path) -> None:
    package = exports / "prime-rl" / "goldilocks_run"
    text = (package / "__init__.py").read_text()
    compile(text, "taskset", "exec")
    assert '__all__ = ["Problems"]' in text
    assert "from pipeline.reward.client" not in text
    assert (package / "train.jsonl").exists()
    assert 'name = "goldilocks_run"' in (exports / "prime-rl" / "pyproject.toml").read_text()


def test_nemo_rl_has_the_system_s_part_as_a_file(exports: Path) -> None:
    text = (exports / "nemo-rl" / "system_prompt.txt").read_text()
    assert text.startswith("You are given a problem")
    assert "{statement}" not in text


@pytest.mark.parametrize(
    ("run", "name"),
    [("runs/mine", "goldilocks_mine"), ("s3://b/Math-7B/", "goldilocks_math_7b"), ("/", "goldilocks_run")],
)
def test_a_package_s_name_is_one(run: str, name: str) -> None:
    assert name_package(run) == name
    assert name.isidentifier()


@pytest.mark.parametrize(
    ("query", "prompt", "completion"),
    [
        ("<|u|>Q<|a|>4<|im_end|>", "<|u|>Q<|a|>", "4"),
        ("Q 4</s>\n<|endoftext|>", "Q ", "4"),
        ("cut off: 4", "another beginning", "cut off: 4"),
        ("Q $a<|b|>c$", "Q ", "$a<|b|>c$"),
    ],
)
def test_a_completion_is_what_follows_the_prompt(query: str, prompt: str, completion: str) -> None:
    assert cut_completion(query, prompt) == completion


@pytest.mark.parametrize("name", ["trl_client", "verl", "openrlhf", "taskset"])
def test_joined_modules_carry_the_settings(name: str) -> None:
    text = join_modules(name, make_config("r", verify={"extract": "last"}))
    assert "'extract': 'last'" in text
    assert str(ROOT) not in text
