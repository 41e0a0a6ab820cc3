"""Ready embedders, against a server and a model of the test's own."""

from __future__ import annotations

import json
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

import memlith
from memlith import embedders

if TYPE_CHECKING:
    from collections.abc import Iterator


def letters(texts: list[str]) -> list[list[float]]:
    return [[text.count(c) + 0.1 for c in "aet"] for text in texts]


class Server(ThreadingHTTPServer):
    """Answers as OpenAI and Ollama do, and keeps what it was asked."""

    asked: list[tuple[str, str | None, dict[str, Any]]]
    status: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        vectors = letters(body["input"])
        # OpenAI says which is which, and need not keep the order.
        data = [{"index": n, "embedding": vector} for n, vector in enumerate(vectors)][::-1]
        answer = {"data": data} if self.path.startswith("/v1") else {"embeddings": vectors}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked, server.status = [], 200
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def serves(embedder: memlith.Embedder) -> None:
    """Texts get the vectors that they ought to, in their order, and a question finds its answer."""
    texts = ["banana", "tea tea", "eee"]
    with memlith.open_in_memory(embedder=embedder) as db:
        ids = db.remember_many(texts)
        assert db.vectors(ids).tolist() == [pytest.approx(vector) for vector in letters(texts)]
        assert db.recall(vector=None, text="a banana", weights={"text": 0})[0].content == "banana"
        (space,) = db.spaces()
        assert (space["embedder"], space["dimension"]) == (embedder.identity, 3)


def test_openai(server: Server) -> None:
    serves(embedders.openai("letters", dimension=3, url=f"{server.url}/v1/", key="secret", max_batch=2))
    paths = {(path, key) for path, key, _ in server.asked}
    assert paths == {("/v1/embeddings", "Bearer secret")}
    assert [len(body["input"]) for *_, body in server.asked] == [2, 1, 1]
    assert server.asked[0][2]["model"] == "letters"


def test_ollama(server: Server) -> None:
    serves(embedders.ollama("letters", dimension=3, url=server.url))
    assert {(path, key) for path, key, _ in server.asked} == {("/api/embed", None)}


def test_a_server_that_fails_fails_the_call_alone(server: Server) -> None:
    with memlith.open_in_memory(embedder=embedders.ollama("letters", dimension=3, url=server.url)) as db:
        server.status = 500
        with pytest.raises(memlith.EmbedderFailed, match="500"):
            db.remember("a")
        server.status = 200
        assert db.remember("a") == 1
    with memlith.open_in_memory(embedder=embedders.openai("letters", dimension=4, url=server.url + "/v1")) as db:
        with pytest.raises(memlith.EmbedderFailed, match="3 numbers"):
            db.remember("a")
    with memlith.open_in_memory(embedder=embedders.openai("x", dimension=3, url="file:///etc")) as db:
        with pytest.raises(memlith.EmbedderFailed, match="http"):
            db.remember("a")


def test_sentence_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    class SentenceTransformer:
        def __init__(self, model: str, **options: Any) -> None:
            assert options == {"device": "cpu"}
            self.dimension = 3 if model == "letters" else None

        def get_sentence_embedding_dimension(self) -> int | None:
            return self.dimension

        def encode(self, texts: list[str], *, batch_size: int, show_progress_bar: bool, convert_to_numpy: bool) -> Any:
            assert len(texts) <= batch_size and convert_to_numpy and not show_progress_bar
            return np.array(letters(texts), dtype=np.float32)

    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    serves(embedders.sentence_transformers("letters", device="cpu", max_batch=2))
    with pytest.raises(ValueError, match="how long"):
        embedders.sentence_transformers("other", device="cpu")
