"""A stand-in for the model, not for the process: it speaks the worker's protocol and dies, hangs or refuses as told.

`python -m tests.pipeline.inference.stand_in_worker`. What a prompt says decides: DIE, HANG, REFUSE, LONG; DIE-ONCE
needs the path of a file that the first death makes. SEED is answered with the engine's, anything else n times with its
own text.
"""

import os
import signal
import time
from pathlib import Path

from pipeline.inference.engine import Completion
from pipeline.inference.messages import Answer, Close, Fatal, Finished, Generate, Heartbeat, Ready, Refused
from pipeline.inference.vllm_worker import connect_parent


def main() -> None:
    settings, pipe, inbox = connect_parent()
    print("the stand-in worker speaks", flush=True)
    if settings.engine.get("unusable"):
        pipe.send(Fatal("ValueError: these settings fit no model"))
        return
    if settings.engine.get("dies_at_start"):
        os.kill(os.getpid(), signal.SIGKILL)
    pipe.send(Ready("float32"))
    busy = 0.0
    while not isinstance(message := inbox.get(), Close):
        assert isinstance(message, Generate)
        number, n, text = message.number, message.request.n, message.request.prompt.text or ""
        if text == "SEED":
            text = str(settings.engine["seed"])
        if "DIE-ONCE" in text:
            mark = Path(text.split()[-1])
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        elif "DIE" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "HANG" in text:
            time.sleep(3600)
        if "LONG" in text:
            for _ in range(8):
                pipe.send(Heartbeat(busy))
                time.sleep(0.5)
        if "REFUSE" in text:
            pipe.send(Refused(number, "the prompt is too long"))
        else:
            busy += 0.001
            pipe.send(Finished(busy, (Answer(number, (Completion(f"{text}!", 2, "stop", 0.001),) * n),)))


if __name__ == "__main__":
    main()
