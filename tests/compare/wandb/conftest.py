"""A server that answers wandb as far as it must, and writes down what it was sent."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "f" * 40


@dataclass
class Stub:
    """wandb, as the tests have it.

    Attributes
    ----------
    address
        Its base URL.
    projects
        The saved views of each project, by entity and name: their ids by their names.
    entities
        Who is known.
    refused
        Runs that may not be uploaded.
    requests
        Path, key and content of each request.
    history
        The rows that each run has sent, by its id.
    overwritten
        Runs that have sent a row in the place of another.
    artifact
        The last one that was logged.
    """

    address: str = ""
    entities: set[str] = field(default_factory=lambda: {"team"})
    projects: dict[tuple[str, str], dict[str, str]] = field(
        default_factory=lambda: {("team", "people"): {}}
    )
    refused: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    history: dict[str, list[str]] = field(default_factory=dict)
    overwritten: set[str] = field(default_factory=set)
    artifact: dict[str, Any] = field(default_factory=dict)

    def operations(self, name: str) -> list[dict[str, Any]]:
        """Return the variables of each GraphQL request that holds a word."""
        sent = [content for path, _, content in self.requests if path == "/graphql"]
        return [each.get("variables") or {} for each in sent if name in each["query"]]

    def views(self) -> list[dict[str, Any]]:
        """Return what was saved as a view, with its spec read."""
        saved = self.operations("upsertView")
        return [each | {"spec": json.loads(each["spec"])} for each in saved]

    def stream(self, run: str, files: dict[str, Any]) -> None:
        """Take rows of a run, at the place where they are sent to."""
        sent = files.get("wandb-history.jsonl")
        if sent is None:
            return
        rows, start = self.history.setdefault(run, []), sent["offset"]
        if start < len(rows):
            self.overwritten.add(run)
        rows[start : start + len(sent["content"])] = sent["content"]

    def answer_on_artifact(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Answer what logging an artifact asks: one that is new, and becomes its first version."""
        if "createArtifactManifest(" in query:
            file = self.upload(variables["name"])
            return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
        if "createArtifactFiles(" in query:
            named = variables["input"]["artifactFiles"]
            files = [
                {"node": self.upload(file["name"]) | {"artifact": {"id": "art"}}} for file in named
            ]
            return {"createArtifactFiles": {"files": {"edges": files}}}
        if "updateArtifactManifest(" in query:
            file = self.upload("wandb_manifest.json")
            return {"updateArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
        if "createArtifact(" in query:
            self.artifact = variables["input"]
            made = {"id": "art", "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
            return {"createArtifact": {"artifact": made}}
        if "commitArtifact(" in query:
            return {"commitArtifact": {"artifact": {"id": "art", "digest": "d"}}}
        if "query ArtifactByID" in query:
            return {"artifact": self.committed()}
        return {"project": {"artifact": None}}

    def committed(self) -> dict[str, Any]:
        """Return an artifact that was logged, as wandb describes it."""
        entity, project = self.artifact["entityName"], self.artifact["projectName"]
        owner = {"id": "p", "internalId": "p", "name": project, "entity": {"name": entity}}
        name = self.artifact["artifactCollectionName"]
        return {
            **{"id": "art", "versionIndex": 0, "state": "COMMITTED", "historyStep": None},
            "artifactSequence": {"name": name, "project": owner},
            "artifactType": {"name": self.artifact["artifactTypeName"]},
            **{key: self.artifact[key] for key in ("description", "metadata", "digest")},
            **{"ttlDurationSeconds": -2, "ttlIsInherited": True, "tags": [], "aliases": []},
            **{"size": 1, "fileCount": 1, "commitHash": "c", "updatedAt": None},
            "createdAt": "2026-01-01T00:00:00Z",
        }

    def upload(self, name: str) -> dict[str, Any]:
        """Return where a file of an artifact goes."""
        place = f"{self.address}/storage/artifact/{name}"
        names = {"id": f"file {name}", "name": name, "displayName": name}
        return names | {"uploadUrl": place, "uploadHeaders": [], "storagePath": name}

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Answer a GraphQL request."""
        if "upsertView" in query:
            views = self.projects[variables["entityName"], variables["projectName"]]
            name = variables["name"]
            views.setdefault(name, f"view-{len(views)}")
            return {"upsertView": {"view": {"id": views[name], "name": name}, "inserted": True}}
        if "upsertBucket" in query:
            if variables["name"] in self.refused:
                return {"upsertBucket": None}
            place = variables["entity"], variables["project"]
            self.projects.setdefault(place, {})
            names = {"id": "e", "name": place[0]}, {"id": "p", "name": place[1]}
            bucket = {
                **{"id": "b", "name": variables["name"], "displayName": variables["name"]},
                "historyLineCount": len(self.history.get(variables["name"], [])),
                **{"project": names[1] | {"entity": names[0]}},
            }
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if "createRunFiles" in query:
            files = [
                {"name": name, "uploadUrl": f"{self.address}/storage/{name}"}
                for name in variables["files"]
            ]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        if "rtifact" in query:
            return self.answer_on_artifact(query, variables)
        if "allViews" in query:
            known = variables["entity"] in self.entities
            saved = self.projects.get((variables["entity"], variables["project"]))
            edges = [
                {"node": {"id": id}}
                for name, id in (saved or {}).items()
                if name == variables["view"]
            ]
            return {
                "entity": {"name": variables["entity"]} if known else None,
                "project": None if saved is None else {"allViews": {"edges": edges}},
            }
        if "viewer" in query:
            who = {"id": "u", "entity": "me", "username": "me", "email": "", "flags": "{}"}
            return {"viewer": who | {"teams": {"edges": []}}}
        return {}


def handler_of(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            pass

        def respond(self) -> None:
            content: Any = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            key = self.headers.get("Authorization", "").removeprefix("Basic ")
            key = base64.b64decode(key).decode().removeprefix("api:")
            status = 200
            answer: dict[str, Any] = {}
            if self.path == "/graphql":
                content = json.loads(content)
                variables = content.get("variables") or {}
                answer = {"data": stub.answer(content["query"], variables)}
                if answer["data"].get("upsertBucket", ...) is None:
                    answer = answer | {"errors": [{"message": "permission denied"}]}
                if key != KEY:
                    status, answer = 401, {"errors": [{"message": "invalid key"}]}
            if self.path.endswith("/file_stream"):
                content = json.loads(content)
                stub.stream(self.path.split("/")[-2], content.get("files") or {})
            stub.requests.append((self.path, key, content))
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = respond  # noqa: N815 - so the class is called

    return Handler


@pytest.fixture
def wandb_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """wandb on this machine, with its key set and nobody's settings read."""
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(stub))
    stub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(home / "settings"))
    monkeypatch.setenv("WANDB_BASE_URL", stub.address)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def log_offline() -> Callable[..., Path]:
    """Log a run offline into its folder, as a training does; return the file that wandb wrote."""
    from humanseg.config.find import conf_folder
    from humanseg.runs import RunFolder
    from humanseg.runs.record import read_config
    from humanseg.runs.settings import read_shipped
    from humanseg.runs.wandb import DICE, STEP, wandb_config, wandb_logs
    from humanseg.training.loggers import WandbRun

    shipped = read_shipped(conf_folder())

    def log(folder: Path, failed: bool = False) -> Path:
        run = RunFolder(folder)
        logger = WandbRun(str(folder))
        logger.log_hyperparams(wandb_config(read_config(run.config), shipped))
        logger.log_metrics({DICE: 0.5, "epoch": 0, STEP: 1})
        logger.close(run, failed)
        return wandb_logs(run)[-1]

    return log
