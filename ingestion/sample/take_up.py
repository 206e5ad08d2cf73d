"""How many of the partnership's organisations, and of the people who work in them, took part in something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from ingestion.sample.organisations import Organisation
from ingestion.sample.tally import AREA, Cut, Tally, levels


def count_organisations(
    tally: Tally,
    indicator_id: str,
    source_dataset: str,
    period: tuple[str, str],
    last_day: date,
    took_part: Collection[Organisation],
    organisations: Iterable[Organisation],
) -> None:
    """Note the organisations that took part out of those in the register on a period's last day: area and sector."""
    came: Counter[Cut] = Counter()
    registered: Counter[Cut] = Counter()
    for organisation in organisations:
        if organisation.counted_by(last_day) is None:
            continue
        for cut in (AREA, Cut(organisation.sector)):
            registered[cut] += 1
            came[cut] += organisation in took_part
    for cut, denominator in registered.items():
        tally.add(indicator_id, source_dataset, period, came[cut], denominator, cut)


def count_survey(
    tally: Tally,
    period: str,
    last_day: date,
    respondents: Iterable[Organisation],
    organisations: Iterable[Organisation],
) -> None:
    """Note who took part in a wave of the workforce survey: organisations, and responses out of the head count.

    Args:
        tally: where to note it.
        period: the wave's label.
        last_day: the day on which the form closed; no head count lies between it and the last response.
        respondents: the organisation of every response that lands.
        organisations: everyone in the partnership.
    """
    everyone = list(organisations)
    responses = Counter(respondents)
    dataset, wave = "workforce_survey", ("wave", period)
    count_organisations(tally, "workforce_survey_take_up", dataset, wave, last_day, responses.keys(), everyone)
    answered: Counter[Cut] = Counter()
    staff: Counter[Cut] = Counter()
    for organisation in everyone:
        count = organisation.counted_by(last_day)
        if count is None:
            continue
        for cut in levels(organisation.sector, organisation.organisation_id):
            staff[cut] += count["total"]
            answered[cut] += responses[organisation]
    for cut, denominator in staff.items():
        tally.add("workforce_survey_response", dataset, wave, answered[cut], denominator, cut)
