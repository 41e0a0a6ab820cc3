"""The public suite of LangChain for vector stores, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("langchain_tests")

from langchain_tests.integration_tests import VectorStoreIntegrationTests

import memlith
from memlith.langchain import MemlithVectorStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.vectorstores import VectorStore


class TestMemlithVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self) -> Iterator[VectorStore]:  # type: ignore[override]
        with memlith.open_in_memory() as db:
            yield MemlithVectorStore(db, self.get_embeddings(), namespace="suite")


def test_filters_scores_and_diversity() -> None:
    from langchain_core.embeddings import DeterministicFakeEmbedding

    with memlith.open_in_memory() as db:
        embeddings = DeterministicFakeEmbedding(size=8)
        store = MemlithVectorStore.from_texts(
            ["a", "b", "c"], embeddings, [{"n n": 1, "s": "x"}, {"n n": 2}, {}], ids=["1", "2", "3"], db=db
        )
        assert [d.id for d in store.similarity_search("a", k=3, filter={"n n": 2})] == ["2"]
        assert [d.id for d in store.similarity_search("a", k=3, filter='meta.s = "x"')] == ["1"]
        document, score = store.similarity_search_with_score("b", k=1)[0]
        assert (document.id, document.metadata) == ("2", {"n n": 2}) and score == pytest.approx(1.0)
        assert len(store.max_marginal_relevance_search("a", k=2)) == 2
        assert store.as_retriever(search_kwargs={"k": 1}).invoke("c")[0].id == "3"
        assert store.delete() and store.similarity_search("a") == []
