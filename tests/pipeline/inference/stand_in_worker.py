"""A stand-in for the model, not for the process: it speaks the worker's protocol and dies, hangs or refuses as told.

`python -m tests.pipeline.inference.stand_in_worker`. What a prompt says decides: DIE, HANG, REFUSE, LONG; DIE-ONCE
needs the path of a file that the first death makes. HOLD has no answer. SEED is answered with the engine's, SLOW after
a while, anything else n times with its own text. Where it `trains`, weights are a number that its answers carry, and
are not read; `dies_at_version` is one of which it dies, and the path of a file that keeps others from dying of it too.
"""

import os
import signal
import time
from pathlib import Path

from pipeline.inference.engine import Completion
from pipeline.inference.messages import (
    Answer,
    Cancel,
    Close,
    Done,
    DropOlder,
    Dropped,
    Fatal,
    Finished,
    Generate,
    Heartbeat,
    LoadWeights,
    Ready,
    Refused,
    TokenTrace,
)
from pipeline.inference.vllm_worker import connect_parent


def main() -> None:
    settings, pipe, inbox = connect_parent()
    print("the stand-in worker speaks", flush=True)
    if settings.engine.get("unusable"):
        pipe.send(Fatal("ValueError: these settings fit no model"))
        return
    if settings.engine.get("dies_at_start"):
        os.kill(os.getpid(), signal.SIGKILL)
    pipe.send(Ready())
    busy, version = 0.0, 0
    held: dict[int, int] = {}
    dies_at = settings.engine.get("dies_at_version", (None, ""))
    while not isinstance(message := inbox.get(), Close):
        if isinstance(message, Cancel):
            continue
        if isinstance(message, DropOlder):
            older = tuple(number for number, began in held.items() if began < message.version)
            held = {number: began for number, began in held.items() if number not in older}
            pipe.send(Dropped(message.number, older))
            continue
        if not isinstance(message, Generate):
            if isinstance(message, LoadWeights):
                if message.version == dies_at[0] and _is_first(Path(dies_at[1])):
                    os.kill(os.getpid(), signal.SIGKILL)
                version = message.version
            pipe.send(Done(busy, message.number))
            continue
        number, n, text = message.number, message.request.n, message.request.prompt.text or ""
        if "HOLD" in text:
            held[number] = version
            continue
        if text == "SEED":
            text = str(settings.engine["seed"])
        if "DIE-ONCE" in text:
            if _is_first(Path(text.split()[-1])):
                os.kill(os.getpid(), signal.SIGKILL)
        elif "DIE" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "HANG" in text:
            time.sleep(3600)
        if "SLOW" in text:
            time.sleep(0.2)
        if "LONG" in text:
            for _ in range(8):
                pipe.send(Heartbeat(busy))
                time.sleep(0.5)
        if "REFUSE" in text:
            pipe.send(Refused(number, "the prompt is too long"))
        else:
            busy += 0.001
            traces = (TokenTrace((1, 2), (-0.5, -0.5), (version, version)),) * n if settings.trains else ()
            completions = (Completion(f"{text}!", 2, "stop", 0.001),) * n
            pipe.send(Finished(busy, (Answer(number, completions, (1,), traces),)))


def _is_first(mark: Path) -> bool:
    """Whether nobody has made this file yet; it is there then."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    main()
