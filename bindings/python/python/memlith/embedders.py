"""Ready embedders: sentence-transformers, Ollama, and whatever speaks OpenAI's protocol.

Nothing here is imported, and no host is spoken to, before an embedder is made.
"""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from ._embedder import Embedder

if TYPE_CHECKING:
    from collections.abc import Mapping


def sentence_transformers(model: str, *, space: str | None = None, max_batch: int = 32, **options: Any) -> Embedder:
    """A model of sentence-transformers, on this machine; ``options`` go to ``SentenceTransformer``."""
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(model, **options)
    dimension = loaded.get_sentence_embedding_dimension()
    if dimension is None:
        raise ValueError(f"{model} does not say how long its vectors are")

    def embed(texts: list[str]) -> Any:
        return loaded.encode(texts, batch_size=max_batch, show_progress_bar=False, convert_to_numpy=True)

    return Embedder(embed, identity=model, dimension=dimension, max_batch=max_batch, space=space)


def openai(
    model: str,
    *,
    dimension: int,
    url: str = "https://api.openai.com/v1",
    key: str | None = None,
    space: str | None = None,
    max_batch: int = 128,
    timeout: float = 30.0,
) -> Embedder:
    """A model behind ``{url}/embeddings``, of OpenAI or of any host that speaks as it does."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def embed(texts: list[str]) -> Any:
        asked = {"model": model, "input": texts}
        data = _post(f"{url.rstrip('/')}/embeddings", asked, headers, timeout)["data"]
        return [row["embedding"] for row in sorted(data, key=lambda row: row["index"])]

    return Embedder(embed, identity=model, dimension=dimension, max_batch=max_batch, space=space)


def ollama(
    model: str,
    *,
    dimension: int,
    url: str = "http://localhost:11434",
    space: str | None = None,
    max_batch: int = 64,
    timeout: float = 60.0,
) -> Embedder:
    """A model of an Ollama server."""

    def embed(texts: list[str]) -> Any:
        asked = {"model": model, "input": texts}
        return _post(f"{url.rstrip('/')}/api/embed", asked, {}, timeout)["embeddings"]

    return Embedder(embed, identity=model, dimension=dimension, max_batch=max_batch, space=space)


def _post(url: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: float) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the URL of an embedder must begin with http:// or https://")
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)
