"""A run that is killed anywhere, again and again, ends where an undisturbed one does, and readers never notice.

Each kill is a SIGKILL of the process that runs ``impact run``; its second process, which runs the gates, has to follow
by itself. Two deliveries are taken through: the first into an empty home, the second over a publication that somebody
has open. The points are drawn at random; a failure names the seed and every kill up to it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.home import Home
from tests.resilience.harness import (
    Ended,
    Server,
    copied,
    differences,
    every_entry_has_its_file,
    first_delivery,
    layout,
    left_over,
    published_rows,
    second_delivery,
    whole_publication,
)

SEED = 20261122
KILLS = 100
#: A table that every part of the publication ends in.
CONTENT = "select count(*), sum(hash(indicator_values)::hugeint) from indicator_values"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


class Chain:
    """One home that is killed again and again."""

    def __init__(self, server: Server, home: Home) -> None:
        self.server, self.home = server, home
        self.chance = random.Random(SEED)
        self.kills: list[str] = []
        self.struck: Counter[str] = Counter()

    def kill(self, asset: str | None = None, **where: Any) -> Ended:
        """Start, kill at a point or a moment of a stage, and see that nothing is broken."""
        before = whole_publication(self.home)
        ended = self.server.run(self.home, kill=where, asset=asset)
        stage, number, seconds, what = ended.points[-1]
        self.kills.append(f"{stage} {number} ({seconds} s): {what}")
        print(len(self.kills), self.kills[-1], flush=True)
        assert ended.code == -9, f"{self}\n{ended.said}"
        self.struck[stage] += 1
        after = whole_publication(self.home)
        assert before is None or (after is not None and after >= before), str(self)
        every_entry_has_its_file(self.home)
        return ended

    def complete(self) -> Ended:
        """A run that nobody disturbs, which clears up."""
        ended = self.server.run(self.home)
        assert ended.code == 0, f"{self}\n{ended.said}"
        assert left_over(self.home) == [], str(self)
        assert whole_publication(self.home) is not None
        return ended

    def __str__(self) -> str:
        return f"seed {SEED}, killed {len(self.kills)} times:\n" + "\n".join(self.kills)


@pytest.fixture(scope="module")
def undisturbed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home, Ended]:
    """A home after one delivery and after two, and the points that the first run came to."""
    home = first_delivery(tmp_path_factory.mktemp("undisturbed") / "home")
    first = server.run(home)
    assert first.code == 0, first.said
    after_first = copied(home, home.root.parent / "after the first")
    second_delivery(home)
    assert server.run(home).code == 0
    return after_first, home, first


def how_many(points: list[tuple[str, int, float, str]], stage: str) -> int:
    return max(number for its, number, *_ in points if its == stage)


def how_long(points: list[tuple[str, int, float, str]], stage: str) -> float:
    return max(seconds for its, _, seconds, _ in points if its == stage)


def test_killed_a_hundred_times_it_ends_with_the_marts_of_a_run_that_was_not(
    server: Server, undisturbed: tuple[Home, Home, Ended], tmp_path: Path
) -> None:
    after_first, after_second, first = undisturbed
    # As it stood before its first run, with the times at which files came.
    home = copied(after_first, tmp_path / "home")
    for folder in ("landing", "quarantine", "disclosure", "publications", ".impact"):
        shutil.rmtree(home.root / folder)
    home.published.unlink()
    home.warehouse.unlink()
    chain = Chain(server, home)
    stages = list(dict.fromkeys(stage for stage, *_ in first.points))
    assert stages[:6] == ["start", "landing", "landing checks", "models", "mart checks", "publication"]

    # The first delivery, into an empty home.
    for at in chain.chance.sample(range(1, how_many(first.points, "start")), 4):
        chain.kill(stage="start", at=at)
    # Reference data are written anew until all of them are there; from then on each run goes on where the one before
    # was killed, so that the last ones come to the end of landing.
    for earliest, latest, times in ((1, 50, 6), (50, 110, 2), (110, 250, 2), (2, 30, 22)):
        for _ in range(times):
            chain.kill(stage="landing", at=chain.chance.randint(earliest, latest))
    for _ in range(6):
        chain.kill(stage="landing", after=chain.chance.uniform(0, how_long(first.points, "landing")))
    for at in chain.chance.sample(range(1, how_many(first.points, "landing checks")), 5):
        chain.kill(stage="landing checks", at=at)
    for _ in range(3):
        chain.kill(stage="landing checks", after=chain.chance.uniform(0, how_long(first.points, "landing checks")))
    chain.kill(stage="models", at=1)
    for part in (0.1, 0.3, 0.5, 0.7, 0.9):
        chance = part + chain.chance.uniform(-0.1, 0.1)
        chain.kill(stage="models", at=round(chance * how_many(first.points, "models")))
    for where in ({"at": 1}, {"after": how_long(first.points, "mart checks") / 2}):
        chain.kill(stage="mart checks", **where)
    # From here on the marts have been checked, and publishing goes on by itself.
    chain.kill(stage="publication", at=chain.chance.randint(1, 8))
    publish_and_die(chain, first.points)
    assert whole_publication(home) is not None
    chain.complete()
    assert differences(published_rows(home.published), published_rows(after_first.published)) == []
    assert layout(home) == layout(after_first)

    # The second, over a publication that somebody reads.
    second_delivery(home)
    with duckdb.connect(str(home.published / "impact.duckdb"), read_only=True) as reader:
        read = reader.execute(CONTENT).fetchall()
        for _ in range(12):
            chain.kill(stage="landing", at=chain.chance.randint(1, 20))
        lose_the_gates(chain, "landing checks")
        for _ in range(4):
            chain.kill(stage="landing checks", at=chain.chance.randint(1, 30))
        for part in (0.2, 0.6):
            chain.kill(stage="models", at=round(part * how_many(first.points, "models")))
        lose_the_gates(chain, "mart checks")
        chain.kill(stage="publication", at=1)
        publish_and_die(chain, first.points)
        chain.complete()
        assert reader.execute(CONTENT).fetchall() == read
    assert differences(published_rows(home.published), published_rows(after_second.published)) == []
    assert layout(home) == layout(after_second)
    print(f"{server.reap()} s; {sum(chain.struck.values())} kills: {dict(chain.struck)}")
    assert sum(chain.struck.values()) >= KILLS
    assert chain.struck.keys() >= set(stages[:6])


def publish_and_die(chain: Chain, points: list[tuple[str, int, float, str]]) -> None:
    """Kill the publication on its way to the switch, and then behind it.

    The marts have been checked, so it can be materialised on its own.
    """
    of_publication = [(number, what) for stage, number, _, what in points if stage == "publication"]
    (switch,) = (number for number, what in of_publication if what == "os.rename published.tmp")
    some = chain.chance.sample(range(1, switch), 10)
    before = whole_publication(chain.home)
    for at in sorted(some):
        chain.kill("publication", stage="publication", at=at)
    for _ in range(2):
        chain.kill("publication", stage="publication", after=chain.chance.uniform(0, 0.5))
        if whole_publication(chain.home) != before:
            return
    chain.kill("publication", stage="publication", at=switch)
    assert whole_publication(chain.home) == before
    chain.kill("publication", stage="publication", at=switch + 1)
    assert whole_publication(chain.home) != before


def lose_the_gates(chain: Chain, stage: str) -> None:
    """Kill the process that runs the gates, and nothing else: the run says so, and publishes nothing."""
    before = whole_publication(chain.home)
    ended = chain.server.run(chain.home, kill_worker={"stage": stage, "after": 0})
    assert ended.code == 2, f"{chain}\n{ended.said}"
    assert "The process that runs the checks ended before it answered" in ended.said
    assert "Run again" in ended.said
    assert whole_publication(chain.home) == before
