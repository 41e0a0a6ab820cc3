"""Carries out a script through the Python door: see script.rs and driver.rs for what is said and done."""

from __future__ import annotations

import os
import sys
import threading

import memlith

DIMENSION, VECTORS = 160, 251


def say(*words: object) -> None:
    os.write(1, ("\t".join(map(str, words)) + "\n").encode())


def vector(number: int) -> list[float]:
    return [float(number * (i + 1) % VECTORS) - 125.0 for i in range(DIMENSION)]


def transact(db: memlith.Database, namespace: str, key: str, ending: str, changes: list[list[str]]) -> None:
    say("begin", key)
    durability = "relaxed" if ending == "relaxed" else "durable"
    tx = db.write(reason=key, idempotency_key=key, durability=durability)
    for word, id, *rest in changes:
        if word == "forget":
            memory = tx.get_external(id, namespace=namespace)
            if memory is not None:
                tx.forget(memory.id)
            continue
        number, text = rest
        given = None if number == "-" else vector(int(number))
        tag = text.split(" ")[0]
        tx.upsert(text, namespace=namespace, external_id=id, tags=[tag], vector=given)
    if ending == "gives-up":
        tx.rollback()
        say("done", key)
        return
    seq = tx.commit()
    say("done", key, seq, durability)


def write(db: memlith.Database, writer: str, lines: list[list[str]]) -> None:
    at = 0
    while at < len(lines):
        word, *rest = lines[at]
        at += 1
        if word == "begin":
            end = at
            while lines[end] != ["end"]:
                end += 1
            transact(db, f"w{writer}", rest[0], rest[1], lines[at:end])
            at = end + 1
        else:
            say("begin", f"{word}/{writer}")
            {"checkpoint": db.checkpoint, "rebuild": db.rebuild, "flush": db.flush}[word]()
            say("done", f"{word}/{writer}")


def main() -> None:
    file, script = sys.argv[1:]
    with open(script, encoding="utf-8") as text:
        lines = [line.rstrip("\n").split("\t") for line in text]
    stages: list[dict[str, list[list[str]]]] = []
    for line in lines:
        if line == ["stage"]:
            stages.append({})
        else:
            stages[-1].setdefault(line[0], []).append(line[1:])
    for stage in stages:
        say("begin", "open")
        db = memlith.open(file)
        say("done", "open")
        failed: list[BaseException] = []

        def work(writer: str, lines: list[list[str]]) -> None:
            try:
                write(db, writer, lines)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=task) for task in stage.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        say("begin", "close")
        db.close()
        say("done", "close")


main()
