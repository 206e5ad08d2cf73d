"""How big the invented borough is, and where its chance comes from.

Every part of the sample draws from a stream of its own, so that changing one part leaves the files of the others as
they were.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeVar

import numpy as np

Size = Literal["borough", "region"]
Chance = np.random.Generator
Thing = TypeVar("Thing")

#: One number per part, never used again for another: the stream of a part hangs on it.
STREAMS = {
    "organisations": 1,
    "workforce_survey": 2,
    "training": 3,
    "events": 4,
    "looked_after": 5,
    "exclusions": 6,
    "new_placements": 7,
    "postcodes": 8,
    "looked_after_outcomes": 20,
    "sub_groups": 31,
    "deep_listening": 32,
    "reflective": 33,
    "facilitated": 34,
    "school_exclusions": 35,
    "published_suspensions": 41,
    "published_children": 42,
    "published_needs": 43,
    "fingertips": 44,
    "published_scotland": 45,
    "organisational_survey": 51,
    "families_survey": 52,
    "training_feedback": 53,
    "moodle": 61,
}


@dataclass(frozen=True)
class Scale:
    """Numbers that a size stands for; everything else follows from them."""

    #: How many times the borough's organisations, people and children.
    times: int
    #: Responses in each wave of the workforce survey.
    responses: int
    #: Children looked after when the first return begins.
    children: int
    #: Children who come to be looked after in a year.
    new_children_per_year: int
    #: Events in a month of average season.
    events_per_month: float


SCALES: dict[Size, Scale] = {
    "borough": Scale(times=1, responses=600, children=340, new_children_per_year=125, events_per_month=4.0),
    "region": Scale(times=10, responses=6000, children=3400, new_children_per_year=1250, events_per_month=40.0),
}


def stream(seed: int, part: str) -> Chance:
    """The source of chance of one part of the sample."""
    return np.random.default_rng([seed, STREAMS[part]])


def pick(chance: Chance, things: Sequence[Thing], weights: Sequence[float] | None = None) -> Thing:
    """One of the things; with weights, in their proportion."""
    if weights is None:
        return things[int(chance.integers(len(things)))]
    bounds = list(accumulate(weights))
    return things[min(bisect_right(bounds, chance.random() * bounds[-1]), len(things) - 1)]
