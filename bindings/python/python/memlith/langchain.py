"""A LangChain vector store over one file. Needs ``langchain-core``.

.. code-block:: python

    import memlith
    from memlith.langchain import MemlithVectorStore

    db = memlith.open("agent.lith")
    store = MemlithVectorStore(db, embedding=embeddings, namespace="notes")
    store.add_texts(["Ada prefers tea"], metadatas=[{"source": "chat"}])
    store.similarity_search("what does Ada drink?", k=1)
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.embeddings import Embeddings

    from . import Answer, Database, Memory


class MemlithVectorStore(VectorStore):
    """Documents as memories of a namespace: the id of a document is the external id of its memory.

    ``filter`` of the searches is an expression of the filter language (docs/filters.md), or a dict of
    metadata that must be equal. Adding documents of known ids replaces them, in one transaction with all
    others of the call.
    """

    def __init__(
        self, db: Database, embedding: Embeddings, *, namespace: str = "default", space: str = "default"
    ) -> None:
        self._db = db
        self._embedding = embedding
        self._namespace = namespace
        self._space = space

    @property
    def embeddings(self) -> Embeddings:
        """What makes the vectors."""
        return self._embedding

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts, or replace those of known ids, and return their ids."""
        contents = list(texts)
        vectors = self._embedding.embed_documents(contents)
        given: Sequence[str | None] = ids if ids is not None else [None] * len(contents)
        about = metadatas if metadatas is not None else [{} for _ in contents]
        if not len(contents) == len(given) == len(about):
            raise ValueError("texts, metadatas and ids must be of the same length")
        names = [name or str(uuid.uuid4()) for name in given]
        with self._db.write(actor="langchain") as tx:
            for content, metadata, name, vector in zip(contents, about, names, vectors, strict=True):
                tx.upsert(
                    content,
                    external_id=name,
                    namespace=self._namespace,
                    metadata=metadata or None,
                    vectors={self._space: vector},
                )
        return names

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents, or replace those of known ids, and return their ids."""
        ids = kwargs.pop("ids", None) or [document.id for document in documents]
        contents = [document.page_content for document in documents]
        return self.add_texts(contents, [document.metadata for document in documents], ids=ids)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete documents by their ids, or all if there are none; unknown ids are passed over."""
        with self._db.write(actor="langchain") as tx:
            if ids is None:
                tx.forget_where("all", namespace=self._namespace)
                return True
            for name in ids:
                memory = tx.get_external(name, namespace=self._namespace)
                if memory is not None:
                    tx.forget(memory.id)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents of these ids that are there."""
        with self._db.snapshot() as snapshot:
            found = [snapshot.get_external(name, namespace=self._namespace) for name in ids]
        return [_document(memory) for memory in found if memory is not None]

    def similarity_search(
        self, query: str, k: int = 4, filter: str | dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Document]:
        """The documents that are nearest to a query."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: str | dict[str, Any] | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The same with their scores: the higher, the nearer."""
        vector = self._embedding.embed_query(query)
        found = self._nearest(vector, k, filter, **kwargs)
        return [(_document(hit.memory), hit.score) for hit in found]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: str | dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Document]:
        """The documents that are nearest to a vector."""
        return [_document(hit.memory) for hit in self._nearest(embedding, k, filter, **kwargs)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Documents near to a query that are not all near to each other."""
        vector = self._embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, filter, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The same for a vector."""
        hits = list(self._nearest(embedding, fetch_k, filter, **kwargs))
        if not hits:
            return []
        with self._db.snapshot() as snapshot:
            vectors = snapshot.vectors([hit.id for hit in hits], space=self._space)
        chosen = maximal_marginal_relevance(np.asarray(embedding, np.float32), vectors, lambda_mult, k)
        return [_document(hits[at].memory) for at in chosen]

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        db: Database | None = None,
        **kwargs: Any,
    ) -> MemlithVectorStore:
        """A store with these texts; in memory, if no database is given."""
        from . import open_in_memory

        store = cls(db if db is not None else open_in_memory(), embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _select_relevance_score_fn(self) -> Any:
        # Cosines, brought to between 0 and 1.
        return lambda score: (score + 1.0) / 2.0

    def _nearest(
        self, vector: list[float], k: int, filter: str | dict[str, Any] | None, **kwargs: Any
    ) -> Answer | list[Any]:
        if self._space not in {space["name"] for space in self._db.spaces()}:
            return []
        return self._db.recall(
            vector=vector,
            space=self._space,
            namespace=self._namespace,
            limit=k,
            filter=_filter(filter),
            **kwargs,
        )


def _document(memory: Memory) -> Document:
    return Document(id=memory.external_id, page_content=memory.content, metadata=memory.metadata or {})


def _filter(given: str | dict[str, Any] | None) -> str | None:
    if not isinstance(given, dict):
        return given
    return " and ".join(f"meta.{json.dumps(name)} = {json.dumps(value)}" for name, value in given.items()) or None
