"""A hub on this machine: the endpoints of huggingface_hub that worldvae uses, with their errors."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

TOKEN = "hf_of_a_test"
STORED_APART = (".safetensors", ".zip", ".webm")
LICENCES = ("mit", "apache-2.0", "cc-by-4.0", "other")

Commit = dict[str, bytes]


@dataclass
class FakeHub:
    """Repositories, and what happens to files on their way."""

    url: str = ""
    commits: dict[str, dict[str, Commit]] = field(default_factory=dict)
    """Repository -> id -> files; the last commit is `main`."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 -> content that was uploaded apart from a commit."""
    halved: set[str] = field(default_factory=set)
    """Names of files whose download breaks off in the middle."""
    requests: list[str] = field(default_factory=list)

    def files(self, repo_id: str) -> Commit:
        """The files of the newest commit."""
        return [*self.commits[repo_id].values()][-1]

    def commit(self, repo_id: str, files: Commit) -> str:
        """Add a commit that holds these files; return its id."""
        commits = self.commits.setdefault(repo_id, {})
        name = hashlib.sha1(f"{repo_id} {len(commits)}".encode()).hexdigest()
        commits[name] = files
        return name

    def change(self, repo_id: str, name: str, data: bytes) -> None:
        """Replace one file by another commit."""
        self.commit(repo_id, {**self.files(repo_id), name: data})


@contextmanager
def serving() -> Iterator[FakeHub]:
    """Run a hub until the block ends."""
    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def hub_of_this_machine(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Run a hub that huggingface_hub takes for its own, without waiting between its tries."""
    constants = "huggingface_hub.constants"
    with serving() as hub:
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(f"{constants}.ENDPOINT", hub.url)
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(f"{constants}.HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        impatient = SimpleNamespace(sleep=lambda _: None, time=time.time, monotonic=time.monotonic)
        monkeypatch.setattr("huggingface_hub.utils._http.time", impatient)
        monkeypatch.setattr("huggingface_hub.file_download.time", impatient)
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._resolve(with_content=False)

    def do_GET(self) -> None:
        path = self._path()
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/main", path):
            commits = self.hub.commits[found[1]]
            files = [*commits.values()][-1] if commits else {}
            self._json(
                [{"type": "file", "path": n, "size": len(d), "oid": "0"} for n, d in files.items()]
            )
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            if found[1] not in self.hub.commits:
                self._missing("RepoNotFound", 401)
            else:
                self._json({"id": found[1]})
        else:
            self._resolve(with_content=True)

    def do_PUT(self) -> None:
        data = self._body()
        self.hub.objects[hashlib.sha256(data).hexdigest()] = data
        self._json({})

    def do_POST(self) -> None:
        path, body = self._path(), self._body()
        is_open = path == "/api/validate-yaml"
        if not is_open and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            repo_id = f"{asked.get('organization') or 'me'}/{asked['name']}"
            if repo_id.startswith("other/"):
                self._json({"error": "You don't have the rights to create it"}, 403)
                return
            is_new = repo_id not in self.hub.commits
            self.hub.commits.setdefault(repo_id, {})
            self._json({"url": f"{self.hub.url}/{repo_id}"}, 200 if is_new else 409)
        elif is_open:
            errors = invalid_metadata(json.loads(body)["content"])
            content = {"errors": [{"message": e} for e in errors], "warnings": []}
            self._json(content, 400 if errors else 200)
        elif path.endswith("/preupload/main"):
            names = [one["path"] for one in json.loads(body)["files"]]
            self._json({"files": [{**_mode(name), "shouldIgnore": False} for name in names]})
        elif path.endswith("/objects/batch"):
            asked = json.loads(body)["objects"]
            self._json({"objects": [self._upload_of(one) for one in asked], "transfer": "basic"})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._commit(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            raise AssertionError(path)

    def _upload_of(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {**asked, "actions": {"upload": {"href": f"{self.hub.url}/objects/{asked['oid']}"}}}

    def _commit(self, repo_id: str, lines: list[dict[str, Any]]) -> None:
        commits = self.hub.commits[repo_id]
        files = dict([*commits.values()][-1]) if commits else {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        name = self.hub.commit(repo_id, files)
        url = f"{self.hub.url}/{repo_id}/commit/{name}"
        self._json({"success": True, "commitUrl": url, "commitOid": name})

    def _resolve(self, with_content: bool) -> None:
        path = self._path()
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        assert found, path
        repo_id, revision, name = found.groups()
        commits = self.hub.commits.get(repo_id)
        if not commits:
            return self._missing("RepoNotFound", 401)
        if revision == "main":
            revision = [*commits][-1]
        if revision not in commits:
            return self._missing("RevisionNotFound", 404)
        if name not in commits[revision]:
            return self._missing("EntryNotFound", 404, revision)
        data = commits[revision][name]
        self.send_response(200)
        self.send_header("X-Repo-Commit", revision)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if with_content:
            self.wfile.write(data[: len(data) // 2] if name in self.hub.halved else data)
            self.close_connection = name in self.hub.halved
        return None

    def _missing(self, code: str, status: int, commit: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, content: Any, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        return path

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


def _mode(name: str) -> dict[str, str]:
    return {"path": name, "uploadMode": "lfs" if name.endswith(STORED_APART) else "regular"}


def invalid_metadata(card: str) -> list[str]:
    """What the hub would refuse in a model card, as far as its documentation says."""
    _, metadata, _ = card.split("---\n", 2)
    values = yaml.safe_load(metadata)
    errors = []
    if "license" in values and values["license"] not in LICENCES:
        errors.append(f'"license" must be one of {LICENCES}')
    if not all(isinstance(tag, str) for tag in values["tags"]):
        errors.append('"tags" must be strings')
    for model in values.get("model-index", []):
        for result in model["results"]:
            known = {"type"} <= set(result["task"]) and {"type", "name"} <= set(result["dataset"])
            if not known or not all({"type", "value"} <= set(m) for m in result["metrics"]):
                errors.append('"model-index" lacks a name, a type or a value')
    return errors
