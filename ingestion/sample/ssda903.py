"""The SSDA903 returns of the invented borough: one folder per year, with its header and its episodes.

The other files of a return are the business of ``ssda903_events`` and ``ssda903_outcomes``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.looked_after import MOVES_ON, Child, Directory, Episode, make_circumstances
from ingestion.sample.places import HOME, METRES_PER_MILE
from ingestion.sample.scale import Chance, Scale
from ingestion.sample.ssda903_events import write_events_of
from ingestion.sample.ssda903_layout import Flaws, Return, spoil, written
from ingestion.sample.ssda903_outcomes import write_outcomes_of
from ingestion.sample.tally import Tally

DATASET, HEADER_DATASET = "ssda903_episodes", "ssda903_header"
#: Calendar years in which the years of the returns end.
COLLECTION_YEARS = (2023, 2024, 2025)
FAR_MILES = 20
MANY_PLACEMENTS = 3

HEADER_COLUMNS = (
    "child_id", "sex", "birth_date", "ethnicity_code", "pupil_number", "is_mother", "mothers_child_birth_date",
)  # fmt: skip
EPISODE_COLUMNS = (
    "child_id", "started_date", "new_episode_reason_code", "legal_status_code", "need_code", "placement_type_code",
    "placement_provider_code", "ceased_date", "ceased_reason_code", "placement_change_reason_code", "home_postcode",
    "placement_postcode", "establishment_number",
)  # fmt: skip

#: Rows to spoil in the episodes of a year: the column, the value and the kind of rule it breaks.
EPISODE_FLAWS: Flaws = {
    2023: (("started_date", "31/02/2023", "not_a_date"),),
    # E43 gave way to other codes in 2019.
    2024: (("ceased_reason_code", "E43", "unknown_code"), ("ceased_date", "", "ceased_after_start")),
    # P2 left the list in 2025.
    2025: (("placement_type_code", "P2", "unknown_code"), ("legal_status_code", "C9", "unknown_code")),
}
#: The same for the header; 1 stands for a boy until 2024.
HEADER_FLAWS: Flaws = {
    2024: (("birth_date", "30/02/2012", "not_a_date"),),
    2025: (("sex", "1", "unknown_code"),),
}


@dataclass(frozen=True)
class Location:
    """Where a placement is, seen from the authority that is responsible for the child."""

    is_known: bool
    is_outside: bool
    is_far: bool


@dataclass(frozen=True)
class PlacementFlow:
    """Placements that began in a year, by where they are: what the published series counts."""

    collection_year: int
    inside_near: int
    inside_far: int
    outside_near: int
    outside_far: int
    not_known: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.inside_near + self.inside_far + self.outside_near + self.outside_far + self.not_known


def write_returns(
    filing: Filing,
    tally: Tally,
    chance: Chance,
    others: Chance,
    scale: Scale,
    children: list[Child],
    directory: Directory,
) -> list[PlacementFlow]:
    """Write every return and count it; the flow of placements is that of the returns before anything was spoilt.

    ``chance`` spoils header and episodes; all that stands in the other files comes from ``others``.
    """
    flows = []
    circumstances = make_circumstances(others, scale, children)
    for year in COLLECTION_YEARS:
        of_year = Return(year)
        episodes = [(child, e) for child in children for e in child.episodes if of_year.reports(e)]
        reported = list({child.number: child for child, _ in episodes}.values())
        landed = _write_header_and_episodes(filing, chance, of_year, episodes, reported)
        _count(tally, landed, of_year, directory)
        flows.append(_flow([episode for _, episode in episodes], year, directory))
        write_events_of(filing, tally, others, of_year, reported, circumstances, landed)
        write_outcomes_of(filing, tally, others, of_year, reported, circumstances, landed)
    return flows


def _write_header_and_episodes(
    filing: Filing, chance: Chance, of_year: Return, episodes: list[tuple[Child, Episode]], reported: list[Child]
) -> list[Episode]:
    """Write both files; returns the episodes that should land."""
    episode_lines = [Line(_episode_cells(episode, of_year), episode) for _, episode in episodes]
    _spoil_episodes(chance, episode_lines, of_year.year)
    header_lines = _header_lines(reported, of_year)
    spoil(chance, header_lines, HEADER_COLUMNS, of_year.year, HEADER_FLAWS)
    filing.csv(
        f"{of_year.folder}/header.csv", HEADER_DATASET, headers(HEADER_DATASET, HEADER_COLUMNS), header_lines,
        of_year.arrived(20),
    )  # fmt: skip
    return filing.csv(
        f"{of_year.folder}/episodes.csv", DATASET, headers(DATASET, EPISODE_COLUMNS), episode_lines,
        of_year.arrived(21),
    )  # fmt: skip


def _episode_cells(episode: Episode, of_year: Return) -> list[Cell]:
    over = of_year.sees_the_end_of(episode)
    return [
        episode.child,
        written(episode.started),
        episode.new_episode_reason,
        episode.legal_status,
        episode.need,
        episode.placement.kind,
        episode.placement.provider,
        written(episode.ceased) if over else None,
        episode.ceased_reason if over else None,
        episode.change_reason if over else None,
        episode.home_postcode,
        episode.placement.postcode,
        episode.placement.urn,
    ]


def _header_lines(children: list[Child], of_year: Return) -> list[Line[Child]]:
    return [
        Line(
            [
                child.number,
                of_year.sex(is_girl=child.is_girl),
                written(child.born),
                child.ethnicity,
                child.upn,
                "1" if child.is_mother else "0",
                None,
            ],
            child,
        )
        for child in children
    ]


def _spoil_episodes(chance: Chance, lines: list[Line[Episode]], year: int) -> None:
    for column, value, rule_kind in EPISODE_FLAWS[year]:
        position = EPISODE_COLUMNS.index(column)
        # Only an episode that is over can have ended for a wrong reason or on a wrong day.
        whole = [line for line in lines if line.lands and (not column.startswith("ceased") or _ended(line))]
        line = whole[int(chance.integers(len(whole)))]
        before_start = f"{line.record.started.replace(day=1, year=line.record.started.year - 1):%d/%m/%Y}"
        line.spoil(position, value or before_start, rule_kind)


def _ended(line: Line[Episode]) -> bool:
    return line.cells[EPISODE_COLUMNS.index("ceased_date")] is not None


def locate(episode: Episode, directory: Directory) -> Location:
    """Where the placement is; one whose postcode does not resolve is not known, and never inside or outside."""
    placed = directory.resolved.get(episode.placement.postcode or "")
    if placed is None:
        return Location(is_known=False, is_outside=False, is_far=False)
    home = directory.resolved.get(episode.home_postcode or "")
    is_far = False
    if home is not None:
        metres = ((home.easting - placed.easting) ** 2 + (home.northing - placed.northing) ** 2) ** 0.5
        miles = Decimal(metres / METRES_PER_MILE).quantize(Decimal("0.1"), ROUND_HALF_UP)
        is_far = miles > FAR_MILES
    return Location(is_known=True, is_outside=placed.authority_code != HOME.area_code, is_far=is_far)


def _started_in_year(episodes: list[Episode], year: int) -> list[Episode]:
    """Placements that began in the year: a change of legal status alone begins none, and short breaks are left out."""
    return [
        e
        for e in episodes
        if date(year - 1, 4, 1) <= e.started <= date(year, 3, 31)
        and e.new_episode_reason != "L"
        and not e.is_short_break
    ]


def _count(tally: Tally, episodes: list[Episode], of_year: Return, directory: Directory) -> None:
    period = of_year.period
    latest: dict[str, Episode] = {}
    for episode in sorted(episodes, key=lambda e: e.started):
        if not of_year.sees_the_end_of(episode) and not episode.is_short_break:
            latest[episode.child] = episode
    places = [locate(episode, directory) for episode in latest.values()]
    outside_far = sum(place.is_outside and place.is_far for place in places)
    tally.add("placed_out_of_area_far", DATASET, period, outside_far, len(places))
    tally.add("placed_out_of_area", DATASET, period, sum(place.is_outside for place in places), len(places))
    tally.add("placement_location_not_known", DATASET, period, sum(not p.is_known for p in places), len(places))
    begun = [locate(episode, directory) for episode in _started_in_year(episodes, of_year.year)]
    tally.add("new_placements_out_of_area", DATASET, period, sum(place.is_outside for place in begun), len(begun))
    moved = sum(_placements(episodes_of, of_year) >= MANY_PLACEMENTS for episodes_of in _by_child(episodes, latest))
    tally.add("placement_stability", DATASET, period, moved, len(latest))


def _by_child(episodes: list[Episode], children: Iterable[str]) -> list[list[Episode]]:
    """The episodes of each of the children, short breaks left out."""
    by_child: dict[str, list[Episode]] = {child: [] for child in children}
    for episode in episodes:
        if episode.child in by_child and not episode.is_short_break:
            by_child[episode.child].append(episode)
    return list(by_child.values())


def _placements(episodes: list[Episode], of_year: Return) -> int:
    """Placements in the year: the one on its first day and every later one that is more than a change of status."""
    on_first_day = any(
        e.started <= of_year.first_day and (e.ceased is None or e.ceased > of_year.first_day) for e in episodes
    )
    later = [e for e in episodes if of_year.first_day < e.started <= of_year.last_day]
    return on_first_day + sum(e.new_episode_reason in ("S", *MOVES_ON) for e in later)


def _flow(episodes: list[Episode], year: int, directory: Directory) -> PlacementFlow:
    places = [locate(episode, directory) for episode in _started_in_year(episodes, year)]
    known = [place for place in places if place.is_known]
    return PlacementFlow(
        collection_year=year,
        inside_near=sum(not p.is_outside and not p.is_far for p in known),
        inside_far=sum(not p.is_outside and p.is_far for p in known),
        outside_near=sum(p.is_outside and not p.is_far for p in known),
        outside_far=sum(p.is_outside and p.is_far for p in known),
        not_known=len(places) - len(known),
    )
