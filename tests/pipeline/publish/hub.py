"""A stand-in for the Hub on loopback: makes repositories and takes commits, all of it in memory.

It takes every file in the commit itself; the real one takes large files to a store of its own first.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKEN = "hf_standin"


@dataclass
class Hub:
    """What was made and committed: files by repository, and a number of commits."""

    url: str = ""
    private: dict[str, bool] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)

    def lay(self, repo: str, place: Path) -> Path:
        """The files of a repository on disk, as a download leaves them."""
        for name, data in self.files[repo].items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        return place


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A running stand-in."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, said: Any, code: int = 200) -> None:
            data = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handled(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer({"error": "Invalid username or password."}, 401)
            elif path == "/api/repos/create":
                asked = json.loads(body)
                repo = f"{asked.get('organization') or 'someone'}/{asked['name']}"
                code = 409 if repo in hub.files else 200
                hub.files.setdefault(repo, {})
                hub.private.setdefault(repo, asked.get("private") is True or asked.get("visibility") == "private")
                self.answer({"url": f"{hub.url}/datasets/{repo}", "id": repo, "name": repo}, code)
            elif path == "/api/validate-yaml":
                self.answer({"errors": [], "warnings": []})
            else:
                self.in_repository(path.removeprefix("/api/datasets/").split("/"), body)

        def in_repository(self, parts: list[str], body: bytes) -> None:
            repo, what = "/".join(parts[:2]), parts[2] if len(parts) > 2 else ""
            files = hub.files.get(repo)
            if files is None:
                self.answer({"error": "Repository not found"}, 404)
            elif what == "preupload":
                asked = json.loads(body)["files"]
                told = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None} for f in asked]
                self.answer({"files": told})
            elif what == "commit":
                for line in body.splitlines():
                    entry = json.loads(line)
                    value = entry["value"]
                    if entry["key"] == "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    elif entry["key"] == "deletedFile":
                        files.pop(value["path"])
                    elif entry["key"] == "header":
                        hub.commits.append(value["summary"])
                self.answer({"commitUrl": f"{hub.url}/datasets/{repo}/commit/0", "commitOid": "0" * 40})
            elif what == "tree":
                self.answer(
                    [{"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in files.items()]
                )
            else:
                siblings = [{"rfilename": name} for name in files if fnmatch(name, "*")]
                self.answer(
                    {"id": repo, "sha": "0" * 40, "private": hub.private[repo], "siblings": siblings, "tags": []}
                )

        do_GET = do_POST = do_HEAD = handled

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
