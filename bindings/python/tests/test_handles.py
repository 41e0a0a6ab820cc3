"""Handles: closing, threads, forks, pickles, errors, the end of the interpreter."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import memlith


def test_a_transaction_is_all_or_nothing(db: memlith.Database) -> None:
    with pytest.raises(RuntimeError), db.write() as tx:
        tx.remember("gone")
        raise RuntimeError
    with db.write(actor="a", reason="r", idempotency_key="k") as tx:
        id = tx.remember("kept")
        assert tx.get(id) is not None and db.get(id) is None
    assert [m.content for m in db.list()] == ["kept"]
    assert db.log()[0]["actor"] == "a" and db.outcome("k")[0] == 1 and db.outcome("other") is None
    with pytest.raises(memlith.Conflict), db.write(idempotency_key="k"):
        pass
    with pytest.raises(memlith.Closed):
        tx.remember("late")


def test_a_transaction_is_of_its_thread(db: memlith.Database) -> None:
    tx = db.write()
    raised: list[Exception] = []

    def elsewhere() -> None:
        try:
            tx.remember("x")
        except memlith.Error as error:
            raised.append(error)
        tx.rollback()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert isinstance(raised[0], memlith.WrongThread)
    db.remember("nobody holds the turn any more")


def test_closing(path: Path) -> None:
    db = memlith.open(path)
    tx = db.write()
    with pytest.raises(memlith.OpenTransactions):
        db.close()
    tx.rollback()
    snapshot, listing = db.snapshot(), db.list()
    db.close()
    db.close()
    assert db.closed
    for held in (lambda: snapshot.get(1), lambda: next(listing)):
        with pytest.raises(memlith.Closed):
            held()
    with pytest.raises(memlith.Closed):
        db.remember("late")
    with memlith.open(path, read_only=True) as db, pytest.raises(memlith.ReadOnly):
        db.remember("no")


def test_errors_say_what_and_where(db: memlith.Database, path: Path) -> None:
    with pytest.raises(memlith.FilterSyntax) as filter:
        db.recall("x", filter="kind:a and and")
    assert filter.value.column == 12 and filter.value.kind == "filter_syntax"
    db.remember("a", vector=[1, 2])
    with pytest.raises(memlith.DimensionMismatch):
        db.remember("b", vector=[1, 2, 3])
    with memlith.open(path), pytest.raises(memlith.InUse) as in_use:
        memlith.open(path, busy_timeout=0.01)
    assert in_use.value.holder_pid == os.getpid()
    with pytest.raises(memlith.NotFound):
        memlith.open(path.with_name("none.lith"), create=False)
    (path.with_name("text")).write_text("no database" * 10_000)
    with pytest.raises(memlith.NotMemlith):
        memlith.open(path.with_name("text"))
    for bad in ({"created": datetime(2025, 1, 1)}, {"metadata": {"a": float("inf")}}, {"importance": 2}):
        with pytest.raises(ValueError):
            db.remember("x", **bad)
    for bad in ({"metadata": {"a": object()}}, {"unknown": 1}, {"tags": [1]}):
        with pytest.raises(TypeError):
            db.remember("x", **bad)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(memlith.InvalidInput):
        db.remember("x", metadata={"deep": deep})


def test_what_an_embedder_raises_fails_the_call() -> None:
    def broken(texts: list[str]) -> object:
        raise RuntimeError("no model")

    for embed, said in ((broken, "no model"), (lambda texts: [[1.0]], "not 1 of 2")):
        with memlith.open_in_memory(embedder=memlith.Embedder(embed, identity="i", dimension=2)) as db:
            with pytest.raises(memlith.EmbedderFailed, match=said):
                db.remember("x")


def test_what_progress_raises_comes_out(db: memlith.Database) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.verify(progress=stop)
    assert db.verify(progress=True)["clean"]


def test_progress_shows_on_a_bar_of_tqdm(db: memlith.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    auto = pytest.importorskip("tqdm.auto")
    shown: list[Any] = []

    class Bar(auto.tqdm):  # type: ignore[name-defined,misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(file=open(os.devnull, "w"), **options)
            shown.append(self)

    monkeypatch.setattr(auto, "tqdm", Bar)
    db.remember("a")
    db.verify(progress=True)
    assert shown[0].n > 0
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert db.verify(progress=True)["clean"] and len(shown) == 1


def test_a_call_is_cancelled_from_elsewhere(db: memlith.Database) -> None:
    stop = memlith.Cancellation()
    assert len(db.recall("tea", cancellation=stop)) == 0 and not stop.cancelled
    threading.Thread(target=stop.cancel).start()
    with pytest.raises(memlith.Cancelled):
        while True:
            db.recall("tea", cancellation=stop)
    with pytest.raises(memlith.Cancelled):
        db.context(text="tea", cancellation=stop)
    with pytest.raises(memlith.Cancelled):
        next(db.list(cancellation=stop))
    db.remember("tea", vector=[1.0, 0.0])
    with pytest.raises(memlith.Cancelled):
        db.nearest([[1.0, 0.0]], cancellation=stop)
    db.graph().upsert_nodes(["ada", "babbage"])
    for graph in (db.graph(cancellation=stop), db.snapshot().graph("default", cancellation=stop)):
        with pytest.raises(memlith.Cancelled):
            graph.related("ada")
        with pytest.raises(memlith.Cancelled):
            graph.shortest_path("ada", "babbage")
        with pytest.raises(memlith.Cancelled):
            graph.page_rank()
    with pytest.raises(memlith.DeadlineExceeded):
        next(db.list(deadline=0))


def test_handles_do_not_pickle(db: memlith.Database) -> None:
    for handle in (db, db.snapshot()):
        with pytest.raises(TypeError, match="process"):
            pickle.dumps(handle)


def test_a_child_is_told_and_the_parent_goes_on(path: Path) -> None:
    with memlith.open(path) as db:
        pid = os.fork()
        if pid == 0:
            try:
                db.remember("child")
            except memlith.Forked:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert db.remember("parent") == 1


PROGRAMS = {
    "not closed": "db = memlith.open(sys.argv[1]); db.remember('a')",
    "in a cycle": "db = memlith.open(sys.argv[1]); l = [db, db.snapshot()]; l.append(l); db.remember('a')",
    "an embedder at work": (
        "e = memlith.Embedder(lambda t: [[1.0]] * len(t), identity='i', dimension=1)\n"
        "db = memlith.open(sys.argv[1], embedder=e); db.remember('a')\n"
        "db.create_space('other', 2); db.remember_many(['b'] * 500)"
    ),
    "a child that ends": (
        "import os\ndb = memlith.open(sys.argv[1]); db.remember('a')\n"
        "if os.fork() == 0: sys.exit(0)\nos.wait()"
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_interpreter_ends_well(name: str, path: Path) -> None:
    program = f"import sys, memlith\n{PROGRAMS[name]}"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    with memlith.open(path) as db:
        assert db.count() >= 1 and db.verify()["clean"]


def test_readers_and_writers_share_a_handle(db: memlith.Database) -> None:
    def work(n: int) -> None:
        for i in range(20):
            db.remember(f"{n} {i}")
            db.recall(str(i))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.count() == 80


def test_what_is_kept_and_how_much_at_once(tmp_path: Path) -> None:
    options = {"answer_cache_bytes": 1 << 20, "graph_cache_bytes": 1 << 20, "embedding_cache_bytes": 1 << 20}
    with memlith.open(tmp_path / "kept.lith", **options, graph_bytes=1 << 30, max_searches=2) as db:
        db.remember("tea")
        for _ in range(2):
            assert len(db.recall("tea")) == 1
        assert db.stats()["answers"]["hits"] == 1


def test_what_something_new_resembles(db: memlith.Database) -> None:
    key = db.remember("The deploy key lies in the vault.", vector=[1.0, 0.0])
    assert db.resembling("the deploy key lies in the vault") == [(key, 1.0, None)]
    assert db.resembling("something else", vector=[2.0, 0.0]) == [(key, 0.0, 1.0)]
    assert db.resembling("the deploy key", alike={"words": 0.9}) == []
    assert db.memories("other").resembling("The deploy key lies in the vault.") == []
    with pytest.raises(memlith.InvalidInput):
        db.resembling("a", alike={"words": 2})


def test_languages_of_namespaces(db: memlith.Database) -> None:
    with db.write() as tx:
        tx.set_text(namespaces={"reisen": "german", "code": None})
        for namespace in ("reisen", "notes", "code"):
            tx.remember("Von vielen Katzen", namespace=namespace)
    assert [hit.memory.namespace for hit in db.recall("Katze").hits] == ["reisen"]
    assert db.stats()["text"]["namespaces"] == {"code": None, "reisen": "german"}
    with db.write() as tx:
        with pytest.raises(memlith.InvalidInput, match="none is called klingon"):
            tx.set_text(namespaces={"reisen": "klingon"})


def test_upkeep(path: Path) -> None:
    with memlith.open(path) as db:
        db.create_space("small", 2, metric="l2", precision="f16", m=8)
        with db.write(durability="relaxed") as tx:
            tx.remember("a", vectors={"small": [1, 2]})
            tx.index_metadata("lang")
            tx.set_text(language="german", metadata={"title": 2})
        db.flush()
        db.checkpoint()
        db.link()
        db.rebuild()
        db.warm()
        db.warm(space="small")
        with db.pause_background() as pause:
            assert db.stats()["background"]["paused"]
        pause.close()
        assert not db.stats()["background"]["paused"] and db.check_recall(space="small", effort="exact") == 1.0
        assert db.stats()["text"] == {"language": "german", "namespaces": {}, "tags": 0, "metadata": {"title": 2}}
        before, after = db.compact()
        assert after <= before and db.durable_seq == 2
        head = db.head()
        db.remember("b")
        assert db.verify_log(head)["rows"] == 3
        assert db.stats()["metadata_indexes"] == ["lang"] and db.spaces()[0]["metric"] == "l2"
    told: list[int] = []
    report = memlith.salvage(path, path.with_name("new.lith"), progress=lambda done, total: told.append(done))
    assert report["complete"] and report["memories"] == {"recovered": 2, "lost": 0} and told
