"""Clean homes of the invented borough, in parts: small ones, made of those files alone that a test is about."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from ingestion.home import Home, open_home
from ingestion.sample.children_families_survey import write_families_survey
from ingestion.sample.events import write_events
from ingestion.sample.facilitated import write_facilitated
from ingestion.sample.filing import Filing
from ingestion.sample.home import SETTINGS
from ingestion.sample.looked_after import Directory, make_children
from ingestion.sample.moodle import write_moodle
from ingestion.sample.organisational_survey import write_organisational_survey
from ingestion.sample.organisations import Organisation, make_organisations, write_register
from ingestion.sample.places import HOME, make_postcodes, write_overlay
from ingestion.sample.published_children import write_children
from ingestion.sample.published_exclusions import write_exclusions
from ingestion.sample.published_fingertips import write_fingertips
from ingestion.sample.published_needs import write_needs
from ingestion.sample.published_placements import write_placements
from ingestion.sample.published_scotland import write_scottish_statistics
from ingestion.sample.published_suspensions import write_suspensions
from ingestion.sample.scale import Scale, stream
from ingestion.sample.school_exclusions import write_school_exclusions
from ingestion.sample.session_logs import write_deep_listening, write_reflective
from ingestion.sample.ssda903 import write_returns
from ingestion.sample.sub_groups import write_sub_groups
from ingestion.sample.tally import Tally
from ingestion.sample.training import attended_sessions, write_training
from ingestion.sample.training_feedback import write_training_feedback
from ingestion.sample.workforce_survey import write_survey

#: Fewer responses and events than in the borough, and as many organisations and children.
SMALL = Scale(times=1, responses=120, children=340, new_children_per_year=125, events_per_month=2.0)

#: Writes one source; takes where to, the seed and the organisations.
Part = Callable[[Filing, int, list[Organisation]], object]


def _tally() -> Tally:
    return Tally(HOME.area_code)


def _training(filing: Filing, seed: int, organisations: list[Organisation]) -> None:
    bookings = write_training(filing, _tally(), stream(seed, "training"), organisations)
    write_moodle(filing, stream(seed, "moodle"), bookings, organisations)
    attended = attended_sessions(bookings)
    write_facilitated(filing, _tally(), stream(seed, "facilitated"), SMALL, organisations, attended)


def _returns(filing: Filing, seed: int, _organisations: list[Organisation]) -> None:
    directory = Directory.of(make_postcodes(stream(seed, "postcodes")))
    chance, others = stream(seed, "looked_after"), stream(seed, "looked_after_outcomes")
    children = make_children(chance, SMALL, directory)
    flows = write_returns(filing, _tally(), chance, others, SMALL, children, directory)
    write_placements(filing, _tally(), stream(seed, "new_placements"), SMALL, flows)


def _exclusions(filing: Filing, seed: int, _organisations: list[Organisation]) -> None:
    repeated = write_exclusions(filing, _tally(), stream(seed, "exclusions"))
    write_suspensions(filing, _tally(), stream(seed, "published_suspensions"), repeated)


def _children(filing: Filing, seed: int, _organisations: list[Organisation]) -> None:
    write_children(filing, _tally(), stream(seed, "published_children"), SMALL)
    write_fingertips(filing, _tally(), stream(seed, "fingertips"), SMALL)
    write_scottish_statistics(filing, stream(seed, "published_scotland"))


#: Every source of the sample, by the name of what it is about.
PARTS: dict[str, Part] = {
    # All head counts; of the others' homes the newest stands alone.
    "register": lambda _filing, _seed, _organisations: None,
    "workforce": lambda filing, seed, organisations: write_survey(
        filing, _tally(), stream(seed, "workforce_survey"), SMALL, organisations
    ),
    "families": lambda filing, seed, organisations: write_families_survey(
        filing, _tally(), stream(seed, "families_survey"), SMALL, organisations
    ),
    "organisational": lambda filing, seed, organisations: write_organisational_survey(
        filing, _tally(), stream(seed, "organisational_survey"), organisations
    ),
    "feedback": lambda filing, seed, organisations: write_training_feedback(
        filing, _tally(), stream(seed, "training_feedback"), SMALL, organisations
    ),
    "training": _training,
    "events": lambda filing, seed, organisations: write_events(
        filing, _tally(), stream(seed, "events"), SMALL, organisations
    ),
    "sub_groups": lambda filing, seed, organisations: write_sub_groups(
        filing, _tally(), stream(seed, "sub_groups"), organisations
    ),
    "deep_listening": lambda filing, seed, organisations: write_deep_listening(
        filing, _tally(), stream(seed, "deep_listening"), organisations
    ),
    "reflective": lambda filing, seed, organisations: write_reflective(
        filing, _tally(), stream(seed, "reflective"), organisations
    ),
    "schools": lambda filing, seed, organisations: write_school_exclusions(
        filing, _tally(), stream(seed, "school_exclusions"), SMALL, organisations
    ),
    "returns": _returns,
    "exclusions": _exclusions,
    "needs": lambda filing, seed, _organisations: write_needs(filing, _tally(), stream(seed, "published_needs")),
    "children": _children,
}


def make_borough(root: Path, parts: Collection[str], seed: int = 1) -> Home:
    """A home whose inbox holds a register and the clean files of some sources.

    Args:
        root: the folder to make.
        parts: names out of ``PARTS``.
        seed: another one gives another borough.
    """
    filing = Filing(root / "inbox", is_clean=True)
    filing.inbox.mkdir(parents=True)
    organisations = make_organisations(stream(seed, "organisations"), SMALL)
    write_register(filing, organisations)
    if "register" not in parts:
        # The newest knows every name.
        for older in sorted((filing.inbox / "organisations").iterdir())[:-1]:
            older.unlink()
    for part in parts:
        PARTS[part](filing, seed, organisations)
    write_overlay(root / "reference", make_postcodes(stream(seed, "postcodes")))
    (root / "impact.yml").write_text(SETTINGS, encoding="utf-8")
    return open_home(root)
