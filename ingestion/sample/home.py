"""The whole home of the invented borough, put together from its parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingestion.sample.children_families_survey import write_families_survey
from ingestion.sample.events import write_events
from ingestion.sample.facilitated import write_facilitated
from ingestion.sample.filing import FileTruth, Filing, QuarantineTruth, write_csv
from ingestion.sample.looked_after import Directory, make_children
from ingestion.sample.moodle import write_moodle
from ingestion.sample.organisational_survey import write_organisational_survey
from ingestion.sample.organisations import make_organisations, write_register
from ingestion.sample.places import HOME, make_postcodes, write_overlay
from ingestion.sample.published_children import write_children
from ingestion.sample.published_exclusions import write_exclusions
from ingestion.sample.published_fingertips import write_fingertips
from ingestion.sample.published_needs import write_needs
from ingestion.sample.published_placements import write_placements
from ingestion.sample.published_scotland import write_scottish_statistics
from ingestion.sample.published_suspensions import write_suspensions
from ingestion.sample.scale import SCALES, Size, stream
from ingestion.sample.school_exclusions import write_school_exclusions
from ingestion.sample.session_logs import write_deep_listening, write_reflective
from ingestion.sample.ssda903 import write_returns
from ingestion.sample.strays import write_strays
from ingestion.sample.sub_groups import write_sub_groups
from ingestion.sample.tally import Count, Tally
from ingestion.sample.training import attended_sessions, count_trained, write_training
from ingestion.sample.training_feedback import write_training_feedback
from ingestion.sample.workforce_survey import write_survey

SETTINGS = f"""\
# The home of {HOME.name}, an invented borough: no figure here is about a real place or a real person.
authority: {HOME.area_code}
"""


class SampleError(Exception):
    """The sample cannot be made; the message says what to do."""


@dataclass(frozen=True)
class SampleSummary:
    """What was made, and how much of it the pipeline should refuse."""

    root: Path
    size: Size
    seed: int
    authority_code: str
    authority_name: str
    files: int
    #: Rows of data in all files that a contract fits.
    rows: int
    #: Rows that should be quarantined, and files that should be refused.
    flawed_rows: int
    refused_files: int


def write_sample(root: Path, size: Size = "borough", seed: int = 1, *, is_clean: bool = False) -> SampleSummary:
    """Make a home with an invented borough: settings, reference data, an inbox of files, and what was planted.

    The same size and seed give the same files down to the byte, with the same times of arrival.

    Args:
        root: the folder to make; it may exist if it is empty.
        size: ``borough``, or ``region`` for about ten times as many organisations, people and rows.
        seed: not negative; another one gives another borough.
        is_clean: leave out what is flawed on purpose, so that no check has anything to find.

    Raises:
        SampleError: the folder holds something already, or the size or seed is none; says what to do.
    """
    root = root.expanduser()
    _refuse_what_cannot_be_made(root, size, seed)
    filing, tally = Filing(root / "inbox", is_clean), Tally(HOME.area_code)
    postcodes = make_postcodes(stream(seed, "postcodes"))
    write_overlay(root / "reference", postcodes)
    _write_inbox(filing, tally, size, seed, Directory.of(postcodes))
    _write_truth(root / "truth", filing, tally)
    # Last: a folder without its settings is not yet a home.
    (root / "impact.yml").write_bytes(SETTINGS.encode())
    return SampleSummary(
        root=root,
        size=size,
        seed=seed,
        authority_code=HOME.area_code,
        authority_name=HOME.name,
        files=len(filing.files),
        rows=sum(file.rows_read for file in filing.files),
        flawed_rows=sum(file.rows_quarantined for file in filing.files),
        refused_files=sum(file.status == "refused" for file in filing.files),
    )


def _refuse_what_cannot_be_made(root: Path, size: str, seed: int) -> None:
    if size not in SCALES:
        raise SampleError(f"there is no size {size!r}. Use one of: {', '.join(SCALES)}.")
    if seed < 0:
        raise SampleError(f"the seed is {seed}. Use a whole number from 0 up.")
    if root.exists() and not root.is_dir():
        raise SampleError(f"{root} is a file. Name a folder that does not exist yet or is empty.")
    if root.is_dir() and (found := sorted(path.name for path in root.iterdir())):
        raise SampleError(
            f"{root} already holds {found[0]}{' and more' if len(found) > 1 else ''}, and the sample overwrites "
            "nothing. Name a folder that does not exist yet, or empty this one."
        )


def _write_inbox(filing: Filing, tally: Tally, size: Size, seed: int, directory: Directory) -> None:
    scale = SCALES[size]
    organisations = make_organisations(stream(seed, "organisations"), scale)
    write_register(filing, organisations)
    write_survey(filing, tally, stream(seed, "workforce_survey"), scale, organisations)
    write_organisational_survey(filing, tally, stream(seed, "organisational_survey"), organisations)
    write_families_survey(filing, tally, stream(seed, "families_survey"), scale, organisations)
    write_training_feedback(filing, tally, stream(seed, "training_feedback"), scale, organisations)
    bookings = write_training(filing, tally, stream(seed, "training"), organisations)
    in_moodle = write_moodle(filing, stream(seed, "moodle"), bookings, organisations)
    count_trained(tally, bookings, in_moodle, organisations)
    attended = attended_sessions(bookings)
    write_facilitated(filing, tally, stream(seed, "facilitated"), scale, organisations, attended)
    write_sub_groups(filing, tally, stream(seed, "sub_groups"), organisations)
    write_deep_listening(filing, tally, stream(seed, "deep_listening"), organisations)
    write_reflective(filing, tally, stream(seed, "reflective"), organisations)
    write_events(filing, tally, stream(seed, "events"), scale, organisations)
    looked_after = stream(seed, "looked_after")
    children = make_children(looked_after, scale, directory)
    outcomes = stream(seed, "looked_after_outcomes")
    flows = write_returns(filing, tally, looked_after, outcomes, scale, children, directory)
    repeated = write_exclusions(filing, tally, stream(seed, "exclusions"))
    write_suspensions(filing, tally, stream(seed, "published_suspensions"), repeated)
    write_school_exclusions(filing, tally, stream(seed, "school_exclusions"), scale, organisations)
    write_placements(filing, tally, stream(seed, "new_placements"), scale, flows)
    write_children(filing, tally, stream(seed, "published_children"), scale)
    write_needs(filing, tally, stream(seed, "published_needs"))
    write_fingertips(filing, tally, stream(seed, "fingertips"), scale)
    write_scottish_statistics(filing, stream(seed, "published_scotland"))
    write_strays(filing)


def _write_truth(folder: Path, filing: Filing, tally: Tally) -> None:
    write_csv(folder / "indicator_counts.csv", Count._fields, tally.counts)
    write_csv(folder / "files.csv", FileTruth._fields, sorted(filing.files))
    quarantine = sorted(filing.quarantine, key=lambda q: (q.file_name, q.source_row or 0))
    write_csv(folder / "quarantine.csv", QuarantineTruth._fields, quarantine)
