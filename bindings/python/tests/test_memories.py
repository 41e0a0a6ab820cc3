"""What is remembered comes back as it was given."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest

import memlith

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2025, 1, 31, 12, 0, 0, 123000, tzinfo=timezone.utc)


def test_every_field_comes_back(db: memlith.Database) -> None:
    given = {
        "namespace": "n", "external_id": "e", "kind": "fact", "importance": 0.25, "valence": -0.5, "priority": 9,
        "metadata": {"a": [1, 2.5, None, True, {"b": "c"}], "big": 2**63}, "agent": "ag", "session": "se",
        "project": "pr", "channel": "ch", "source": "so", "created": NOON,
        "expires": NOON + timedelta(days=100_000),
    }  # fmt: skip
    db.create_space("s", 2)
    id = db.remember("tea", tags=["x", "a", "x"], vectors={"s": [1.0, 2.0]}, **given)
    memory = db.get(id)
    assert memory is not None
    assert {name: getattr(memory, name) for name in given} == given
    assert (memory.id, memory.content, memory.tags, memory.spaces) == (id, "tea", ["a", "x"], ["s"])
    assert memory.to_dict()["created"] == NOON
    assert memory == db.get(id) and hash(memory) == hash(db.get(id))


def test_an_answer_is_shaped_as_asked(db: memlith.Database) -> None:
    for content in ["Which hotel?", "The one by the river, it is quiet.", "Good, book it."]:
        db.remember(content, session="trip")
    db.remember("A hotel in the hills.")
    (hit,) = db.recall("+hotel -hills", signs=True, limit=1, snippet=40, neighbours=1)
    assert (hit.content, hit.snippet) == ("Which hotel?", "Which hotel?")
    assert (hit.before, [turn.content for turn in hit.behind]) == ([], ["The one by the river, it is quiet."])
    assert len(db.recall("hotel", offset=1, weights={"context": 0})) == 1
    assert len(db.recall("hotel river", max_tokens=5)) == 1
    assert [len(db.recall("hotel", max_tokens=tokens, tokens=lambda _: 2)) for tokens in (1, 2, 5)] == [0, 1, 2]
    assert len(db.recall("hotel", cut="gap", diversity=0.5, reciprocal_rank=60)) >= 1
    with pytest.raises(memlith.Error, match="cut"):
        db.recall("hotel", cut="half")  # type: ignore[arg-type]


def test_a_context_has_one_budget(db: memlith.Database) -> None:
    known = db.remember("Ada is allergic to peanuts", channel="kitchen")
    for turn in ["Hello!", "What shall I cook for Ada?"]:
        db.remember(turn, session="today")
    context = db.context("today", "What shall I cook for Ada?", max_tokens=500)
    assert [memory.content for memory in context.recent] == ["Hello!", "What shall I cook for Ada?"]
    assert [hit.id for hit in context.similar] == [known]
    assert 0 < context.tokens <= 500 and context.seq == 3
    assert db.context("today", max_tokens=1, tokens=len).tokens == 0
    with pytest.raises(ZeroDivisionError):
        db.context("today", tokens=lambda text: len(text) // 0)
    said = db.snapshot().context(channel="kitchen").channel
    assert [memory.id for memory in said] == [known]


def test_what_is_missing_is_none(db: memlith.Database) -> None:
    memory = db.get(db.remember("tea"))
    assert memory is not None
    missing = (memory.kind, memory.metadata, memory.external_id, memory.expires, memory.supersedes)
    assert missing == (None,) * 5
    assert db.get(999) is None and db.get_external("no") is None
    assert db.get_many([memory.id, 999]) == [memory, None]


def test_changes_clear_merge_and_supersede(db: memlith.Database) -> None:
    id = db.remember("nine", kind="plan", metadata={"a": 1, "b": 2}, tags=["x"])
    assert db.update(id, kind=None, metadata={"a": None, "c": 3}, add_tags="y", expires=None)
    memory = db.get(id)
    assert memory is not None
    assert (memory.kind, memory.metadata, memory.tags) == (None, {"b": 2, "c": 3}, ["x", "y"])
    newer = db.supersede(id, "ten")
    older = db.get(id)
    assert older is not None and older.superseded_by == newer
    assert [hit.id for hit in db.recall(filter="all")] == [newer]
    assert db.upsert("ten", external_id="m") == (3, "created")
    assert db.upsert("ten", external_id="m") == (3, "unchanged")
    assert db.update_where("id:m", importance=1) == 1
    ids = {"external_ids": ["m", "n"]}
    assert db.upsert_many(["eleven", "twelve"], columns=ids) == [(3, "updated"), (4, "created")]
    assert db.forget(4)
    assert db.forget(3) and not db.forget(3)
    assert db.forget_where("all") == 2


@pytest.mark.parametrize("kind", ["float32", "float16", "float64", "int8"])
def test_matrices_of_any_kind_go_in_and_f32_comes_out(db: memlith.Database, kind: str) -> None:
    matrix = np.arange(12).reshape(4, 3).astype(kind)
    ids = db.remember_many([str(n) for n in range(4)], matrix, columns={"kinds": ["a", None, "b", "c"]})
    back = db.vectors([*ids, 999])
    assert back.dtype == np.float32 and back.shape == (5, 3)
    assert np.array_equal(back[:4], matrix.astype(np.float32)) and np.isnan(back[4]).all()
    turned = np.asfortranarray(matrix)[::2]
    assert np.array_equal(db.vectors(db.remember_many(["x", "y"], turned)), turned.astype(np.float32))
    assert [m.kind for m in db.list(order="oldest")][:4] == ["a", None, "b", "c"]


def test_sequences_and_buffers_are_vectors_too(db: memlith.Database) -> None:
    import array

    for vector in ([1, 0.5], (1, 0.5), array.array("f", [1, 0.5]), array.array("d", [1, 0.5]), np.array([[1, 0.5]])):
        got = db.vector(db.remember("v", vector=vector))
        assert got is not None and got.tolist() == [1, 0.5]


def test_neighbours_come_as_arrays(db: memlith.Database) -> None:
    ids = db.remember_many(["a", "b"], np.eye(2, dtype=np.float32))
    found, scores = db.nearest(np.eye(2), limit=3)
    assert found.shape == scores.shape == (2, 3)
    db.create_space("other", 3)
    db.update(ids[0], vectors={"other": [1, 0, 0]})
    both, _ = db.nearest([[0, 1]], also={"other": [[1, 0, 0]]})
    assert set(both[0][:2].tolist()) == set(ids)
    assert found[:, 0].tolist() == ids and found[:, 2].tolist() == [0, 0] and np.isnan(scores[:, 2]).all()


def test_recall_filters_explains_and_says_what_did_not_run(db: memlith.Database) -> None:
    db.remember("Ada prefers tea", kind="fact", tags=["taste"])
    db.remember("Ada has left", kind="event")
    answer = db.recall("tea for Ada", filter="kind:fact", explain=True, limit=5, half_life=timedelta(days=1))
    assert len(answer) == 1 and answer[-1].content == "Ada prefers tea"
    assert answer[0].explanation["matched_terms"] and answer[0].score > 0
    assert answer.legs["vector"]["ran"] is False and answer.filter["matching"] == 1
    assert list(answer) == answer.hits and answer.seq == 2
    with pytest.raises(IndexError):
        answer[1]


def test_recall_knows_where_one_is_what_was_and_what_says_the_same(db: memlith.Database) -> None:
    first = db.remember("tea at four", channel="chat", session="monday")
    same = db.remember("Tea at four!", channel="mail", session="monday")
    before = db.log()[-1]["seq"]
    # A commit stands for its time, in milliseconds.
    time.sleep(0.002)
    later = db.remember("tea at five", channel="chat", session="tuesday")
    assert {hit.id for hit in db.recall("tea", situation={"session": "monday"})} == {first, same}
    lifted = db.recall("tea", situation={"channel": ("chat", 2.0)}, boosts={"session:tuesday": 2.0})
    assert lifted[0].id == later
    collapsed = db.recall("tea", collapse={"words": 0.9})
    assert [hit.duplicates for hit in collapsed if hit.duplicates] in ([[first]], [[same]])
    assert later not in {hit.id for hit in db.recall("tea", as_of=before)}
    with pytest.raises(memlith.Error):
        db.recall("tea", situation={"weather": "rain"})


def test_a_joined_memory_says_how(db: memlith.Database) -> None:
    with db.write() as tx:
        said, meant = tx.remember("Ada likes tea"), tx.remember("she moved to London")
        graph = tx.graph()
        graph.upsert_nodes([{"id": "ada", "kind": "person"}])
        graph.upsert_edges([(said, "about", "ada"), (meant, "about", "ada")])
    answer = db.recall("tea", weights={"neighbourhood": 0.5}, explain=True)
    ways = [hit.explanation.get("joined") for hit in answer if hit.id == meant]
    assert ways and ways[0]["kinds"] == ["about", "about"] and "ada" in ways[0]["nodes"]


def test_a_listing_streams_and_goes_on_behind_a_position(db: memlith.Database) -> None:
    ids = db.remember_many([str(n) for n in range(25)])
    listing = db.list(order="oldest", page=10)
    first = [next(listing).id for _ in range(10)]
    rest = [m.id for m in db.list(order="oldest", after=listing.position)]
    assert first + rest == ids == [m.id for m in db.list(order="oldest", page=3)]


def test_a_namespace_is_a_view_of_its_own(db: memlith.Database) -> None:
    analyst = db.memories("analyst")
    analyst.remember_many(["a", "b"])
    analyst.upsert("c", external_id="c")
    db.remember("elsewhere")
    assert len(analyst) == 3 and {m.content for m in analyst} == {"a", "b", "c"}
    assert analyst.get("c") is not None and len(analyst.recall(filter="all")) == 3
    assert analyst.stats()["memories"] == 3 and db.namespaces() == ["analyst", "default"]


def test_tables_of_other_libraries(db: memlith.Database) -> None:
    pa = pytest.importorskip("pyarrow")
    analyst = db.memories("analyst")
    assert analyst.to_arrow().num_rows == 0
    analyst.remember("a", metadata={"x": 1}, tags=["t"])
    table = pa.table(analyst)
    assert table["tags"].to_pylist() == [["t"]] and table["metadata"].to_pylist() == ['{"x": 1}']
    assert analyst.to_pandas().iloc[0].content == "a"


def test_a_snapshot_stays_as_it_was(db: memlith.Database) -> None:
    id = db.remember("before")
    with db.snapshot() as then:
        db.update(id, content="after")
        assert then.get(id).content == "before" and then.seq == 1 and then.time <= datetime.now(timezone.utc)
    with pytest.raises(memlith.Closed):
        then.get(id)


def test_an_embedder_can_be_changed(path: Path) -> None:
    def of(length: int) -> memlith.Embedder:
        return memlith.Embedder(
            lambda texts: np.full((len(texts), length), 1.0), identity=f"ones-{length}", dimension=length, max_batch=2
        )

    with memlith.open(path, embedder=of(2)) as db:
        ids = db.remember_many(["a", "b", "c"])
        assert db.vectors(ids).shape == (3, 2)
    with memlith.open(path, embedders=[of(2), of(3)]) as db:
        db.reembed(3, embedder="ones-3")
        told: list[tuple[int, int]] = []
        db.finish_reembedding(progress=lambda done, total: told.append((done, total)))
        assert db.vectors(ids).shape == (3, 3) and not db.cancel_reembedding()
