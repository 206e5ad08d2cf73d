"""Twenty readers query throughout many switches: none sees an error, and none a mixture of two publications."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from expectations.results import CheckResult
from ingestion.home import Home, open_home
from publishing.content import REQUIRED_MARTS
from publishing.publication import Publication, publish
from tests.integration.test_publication import WHY, build_warehouse, finding, source_file, write_ledger

#: The first and the last that are published, the widest, and some between.
READ_BY_EACH = sorted(REQUIRED_MARTS)[::5] + ["indicator_values"]
READERS_EACH, SWITCHES = 5, 6

# One reader per thread, all of one kind; a round reads several tables and says which generations it met.
READ = """
import duckdb, json, pathlib, sys, threading, time
kind, published, tables = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3].split(",")
readers, ready, stop = int(sys.argv[4]), pathlib.Path(sys.argv[5]), pathlib.Path(sys.argv[6])
mark = "union select cast(regexp_extract(message, '[0-9]+') as integer) from {} where rule = 'generation'"
seen, faults, gone = [[] for _ in range(readers)], [], threading.Event()

def of_database(path):
    return duckdb.connect(str(path), read_only=True, config={"threads": 1})

def query(connection, place):
    sql = " union ".join(f"select generation from {place.format(name)}" for name in tables)
    rows = connection.execute(f"{sql} {mark.format(place.format('data_quality'))}").fetchall()
    return [generation for (generation,) in rows]

def round_of(connection):
    if kind == "holds a connection":
        return query(connection, "{}")
    if kind == "reads Parquet":
        # The link is followed once; everything is read from the folder that it names.
        with duckdb.connect(config={"threads": 1}) as con:
            return query(con, f"'{published.resolve()}/parquet/{{}}.parquet'")
    path = published if kind == "connects by the link" else published.resolve()
    with of_database(path / "impact.duckdb") as con:
        return query(con, "{}")

def reader(number):
    try:
        connection = of_database(published / "impact.duckdb") if kind == "holds a connection" else None
        while not gone.is_set():
            seen[number].append(round_of(connection))
            # As somebody who looks at a page of figures, and leaves some of the machine to the others.
            time.sleep(0.5)
    except Exception as error:
        faults.append(f"{type(error).__name__}: {error}")

threads = [threading.Thread(target=reader, args=(number,)) for number in range(readers)]
for thread in threads:
    thread.start()
while not all(seen) and not faults:
    time.sleep(0.01)
ready.touch()
while not stop.exists():
    time.sleep(0.02)
gone.set()
for thread in threads:
    thread.join()
print(json.dumps({"seen": seen, "faults": faults}))
"""
KINDS = ("holds a connection", "connects by the link", "connects to the folder", "reads Parquet")


def home_that_keeps(root: Path, count: int) -> Home:
    (root / "impact.yml").write_text(f"authority: E08000005\nkeep_publications: {count}\n", encoding="utf-8")
    home = open_home(root)
    write_ledger(home, [source_file()], [finding()])
    return home


def publish_generation(home: Home, generation: int) -> Publication:
    """Publish marts every one of which, and whose record of checks, carries one number."""
    build_warehouse(home.warehouse, generation)
    mark = CheckResult(
        "landed", "events", "generation", "Mark.", "warning", False, 1, 1, message=f"{generation}.", **WHY
    )
    return publish(home, [mark])


def test_twenty_readers_see_no_error_and_no_mixture_throughout_many_switches(tmp_path: Path) -> None:
    home = home_that_keeps(tmp_path, SWITCHES + 1)
    publish_generation(home, 1)
    stop = tmp_path / "stop"
    ready = {kind: tmp_path / f"{kind} ready" for kind in KINDS}
    readers = {
        kind: subprocess.Popen(
            [
                sys.executable, "-c", READ, kind, str(home.published), ",".join(READ_BY_EACH),
                str(READERS_EACH), str(ready[kind]), str(stop),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in KINDS
    }  # fmt: skip
    try:
        while not all(path.exists() for path in ready.values()):
            assert all(reader.poll() is None for reader in readers.values())
            time.sleep(0.02)
        for generation in range(2, SWITCHES + 2):
            assert publish_generation(home, generation).changed
    finally:
        stop.touch()
    for kind, reader in readers.items():
        output, errors = reader.communicate(timeout=120)
        assert reader.returncode == 0, errors
        told = json.loads(output)
        assert told["faults"] == [], kind
        assert len(told["seen"]) == READERS_EACH
        for rounds in told["seen"]:
            assert all(len(generations) == 1 for generations in rounds), (kind, rounds)
            met = [generation for (generation,) in rounds]
            assert met == sorted(met), kind
            if kind == "holds a connection":
                assert set(met) == {1}
        if kind in ("connects to the folder", "reads Parquet"):
            assert len({generation for rounds in told["seen"] for (generation,) in rounds}) > 1, kind


def test_a_folder_stays_for_as_many_publications_as_are_kept_and_an_open_file_for_longer(tmp_path: Path) -> None:
    home = home_that_keeps(tmp_path, 3)
    publish_generation(home, 1)
    folder = home.published.resolve()
    with (
        duckdb.connect(str(home.published / "impact.duckdb"), read_only=True) as holder,
        duckdb.connect() as reader,
    ):

        def generations() -> list[tuple[int]]:
            files = str(folder / "parquet" / "indicator_values.parquet")
            return reader.execute("select distinct generation from read_parquet(?)", [files]).fetchall()

        for generation in (2, 3):
            publish_generation(home, generation)
            assert generations() == [(1,)]
        publish_generation(home, 4)
        # The error names the folder of the old publication: nothing of the new one is read in its place.
        with pytest.raises(duckdb.IOException, match=folder.name):
            generations()
        assert holder.execute("select distinct generation from indicator_values").fetchall() == [(1,)]
