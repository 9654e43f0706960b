"""Pin what pyproject.toml asks for into requirements/cpu.txt and gpu.txt, without addresses of an index."""

import re
import subprocess
from pathlib import Path

from setup import PYTHON, ROOT, VENV, index_options

for flavour in ("cpu", "gpu"):
    target = ROOT / "requirements" / f"{flavour}.txt"
    command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--no-header", "--python", str(PYTHON)]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
    command += [word for extra in (flavour, "dev", "parity") for word in ("--extra", extra)]
    command += [
        "--override",
        str(ROOT / "requirements" / "overrides.txt"),
        *index_options(flavour),
        str(ROOT / "pyproject.toml"),
    ]
    pinned = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    Path(target).write_text(re.sub(r"^(torch==[0-9.]+)\+\w+", r"\1", pinned, flags=re.MULTILINE))
