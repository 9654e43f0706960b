"""A stand-in for the model, not for the process: it speaks the engine child's protocol and dies, hangs or refuses as
told.

`python -m tests.pipeline.inference.stand_in_child`. What a prompt says decides: DIE, HANG, REFUSE; DIE-ONCE needs the
path of a file that the first death makes. Anything else is answered n times with its own text.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.inference.vllm_worker import die_with, receive


def main() -> None:
    settings = json.loads(sys.argv[2])
    die_with(settings["parent"])
    pipe = Connection(int(sys.argv[1]))
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=receive, args=(pipe, inbox), daemon=True).start()
    print("the stand-in child speaks", flush=True)
    if settings["engine"].get("unusable"):
        pipe.send(("fatal", "ValueError: these settings fit no model"))
        return
    if settings["engine"].get("dies_at_start"):
        os.kill(os.getpid(), signal.SIGKILL)
    pipe.send(("ready",))
    while (message := inbox.get())[0] != "close":
        _, number, request = message
        said = request.prompt.text
        if "DIE-ONCE" in said:
            mark = Path(said.split()[-1])
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        elif "DIE" in said:
            os.kill(os.getpid(), signal.SIGKILL)
        if "HANG" in said:
            time.sleep(3600)
        if "REFUSE" in said:
            pipe.send(("refused", number, "the prompt is too long"))
        else:
            pipe.send(("done", 0.001, [(number, tuple((f"{said}!", 2, "stop", 0.001) for _ in range(request.n)))]))


if __name__ == "__main__":
    main()
