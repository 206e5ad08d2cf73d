"""What the samples of surveys share: who answers how, when, and with which words.

Answers hang on one latent scale: a respondent's level and a statement's, with chance on top, fall between bounds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from ingestion.instruments import Instrument, Item
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance
from ingestion.sample.tally import Cut, Tally

UNANSWERED, NOT_SAID = 0.03, 0.015
#: Chance on top of a respondent's and a statement's level.
NOISE = 0.8


def moments(chance: Chance, opened: datetime, days: int, how_many: int) -> list[datetime]:
    """Moments at which responses are completed, in their order; no two within a minute."""
    minutes = np.sort(chance.choice(days * 24 * 60, how_many, replace=False)).tolist()
    seconds = chance.integers(0, 60, how_many).tolist()
    return [opened + timedelta(minutes=minute, seconds=second) for minute, second in zip(minutes, seconds, strict=True)]


def scored_codes(instrument: Instrument, item: Item, scale: int = 0) -> list[str]:
    """Codes of the answers of one of an item's scales, the lowest first."""
    name = (item.scales or list(instrument.scales))[scale]
    answers = [answer for answer in instrument.scales[name] if answer.score is not None]
    return [answer.code for answer in sorted(answers, key=lambda answer: answer.score or 0)]


def answer(chance: Chance, level: float, bounds: Sequence[float], codes: Sequence[str]) -> str | None:
    """One answer: mostly a scored one; now and then preferring not to say, or nothing."""
    luck = chance.random()
    if luck < UNANSWERED:
        return None
    if luck < UNANSWERED + NOT_SAID:
        return "prefer_not_to_say"
    return codes[bisect_left(bounds, level + float(chance.normal(0, NOISE)))]


def words(instrument: Instrument, item: Item, scale: int = 0, older: bool = False) -> dict[str, str]:
    """Code → the label on the form, of one of an item's scales; older forms had another label where there is one."""
    name = (item.scales or list(instrument.scales))[scale]
    return {a.code: a.also[0] if older and a.also else a.label for a in instrument.scales[name]}


def among(chance: Chance, organisations: Iterable[Organisation], day: datetime, share: float) -> list[Organisation]:
    """Organisations of the register on a day, each with this chance."""
    return [o for o in organisations if o.counted_by(day.date()) is not None and chance.random() < share]


def count_answers(
    tally: Tally,
    source_dataset: str,
    period: tuple[str, str],
    answers: Iterable[tuple[str, Iterable[Cut], bool]],
) -> None:
    """Note figures from answers: the indicator, what it goes into, and whether it is what the indicator counts."""
    counted: Counter[tuple[str, Cut]] = Counter()
    given: Counter[tuple[str, Cut]] = Counter()
    for indicator_id, cuts, is_counted in answers:
        for cut in cuts:
            given[indicator_id, cut] += 1
            counted[indicator_id, cut] += is_counted
    for (indicator_id, cut), denominator in given.items():
        tally.add(indicator_id, source_dataset, period, counted[indicator_id, cut], denominator, cut)


def is_top_two(scores: Mapping[str, int | None], code: str) -> bool | None:
    """Whether an answer is one of the two highest of five; None where it has no score."""
    score = scores[code]
    return None if score is None else score >= 4
