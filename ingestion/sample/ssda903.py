"""The SSDA903 returns of the invented borough: one folder per year with its header and its episodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.looked_after import Child, Directory, Episode
from ingestion.sample.places import HOME, METRES_PER_MILE
from ingestion.sample.scale import Chance
from ingestion.sample.tally import Tally, year_label

DATASET, HEADER_DATASET = "ssda903_episodes", "ssda903_header"
#: Calendar years in which the years of the returns end.
COLLECTION_YEARS = (2023, 2024, 2025)
SEX_LETTERS_FROM = 2025
FAR_MILES = 20

HEADER_COLUMNS = (
    "child_id", "sex", "birth_date", "ethnicity_code", "pupil_number", "is_mother", "mothers_child_birth_date",
)  # fmt: skip
EPISODE_COLUMNS = (
    "child_id", "started_date", "new_episode_reason_code", "legal_status_code", "need_code", "placement_type_code",
    "placement_provider_code", "ceased_date", "ceased_reason_code", "placement_change_reason_code", "home_postcode",
    "placement_postcode", "establishment_number",
)  # fmt: skip

#: Rows to spoil in the episodes of a year: the column, the value and the kind of rule it breaks.
EPISODE_FLAWS: dict[int, tuple[tuple[str, str, str], ...]] = {
    2023: (("started_date", "31/02/2023", "not_a_date"),),
    # E43 gave way to other codes in 2019.
    2024: (("ceased_reason_code", "E43", "unknown_code"), ("ceased_date", "", "ceased_after_start")),
    # P2 left the list in 2025.
    2025: (("placement_type_code", "P2", "unknown_code"), ("legal_status_code", "C9", "unknown_code")),
}
#: The same for the header; 1 stands for a boy until 2024.
HEADER_FLAWS: dict[int, tuple[tuple[str, str, str], ...]] = {
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
    filing: Filing, tally: Tally, chance: Chance, children: list[Child], directory: Directory
) -> list[PlacementFlow]:
    """Write every return and count it; the flow of placements is that of the returns before anything was spoilt."""
    flows = []
    for year in COLLECTION_YEARS:
        episodes = [(child, e) for child in children for e in child.episodes if _is_reported(e, year)]
        folder = f"ssda903/{year - 1}-{year % 100:02d}"
        episode_lines = [Line(_episode_cells(episode, year), episode) for _, episode in episodes]
        _spoil_episodes(chance, episode_lines, year)
        header_lines = _header_lines(list({child.number: child for child, _ in episodes}.values()), year)
        _spoil_headers(chance, header_lines, year)
        arrived = datetime(year, 6, 12, 14, 20)
        filing.csv(
            f"{folder}/header.csv", HEADER_DATASET, headers(HEADER_DATASET, HEADER_COLUMNS), header_lines, arrived
        )
        landed = filing.csv(
            f"{folder}/episodes.csv", DATASET, headers(DATASET, EPISODE_COLUMNS), episode_lines,
            arrived.replace(minute=21),
        )  # fmt: skip
        _count(tally, landed, year, directory)
        flows.append(_flow([episode for _, episode in episodes], year, directory))
    return flows


def _is_reported(episode: Episode, year: int) -> bool:
    """A return holds every episode that was open on some day of its year."""
    return episode.started <= date(year, 3, 31) and (episode.ceased is None or episode.ceased >= date(year - 1, 4, 1))


def _is_over(episode: Episode, year: int) -> bool:
    return episode.ceased is not None and episode.ceased <= date(year, 3, 31)


def _episode_cells(episode: Episode, year: int) -> list[Cell]:
    over = _is_over(episode, year)
    return [
        episode.child,
        _written(episode.started),
        episode.new_episode_reason,
        episode.legal_status,
        episode.need,
        episode.placement.kind,
        episode.placement.provider,
        _written(episode.ceased) if over else None,
        episode.ceased_reason if over else None,
        episode.change_reason if over else None,
        episode.home_postcode,
        episode.placement.postcode,
        episode.placement.urn,
    ]


def _header_lines(children: list[Child], year: int) -> list[Line[Child]]:
    girl, boy = ("F", "M") if year >= SEX_LETTERS_FROM else ("2", "1")
    return [
        Line(
            [
                child.number,
                girl if child.is_girl else boy,
                _written(child.born),
                child.ethnicity,
                child.upn,
                "1" if child.is_mother else "0",
                None,
            ],
            child,
        )
        for child in children
    ]


def _written(day: date | None) -> str | None:
    return None if day is None else f"{day:%d/%m/%Y}"


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


def _spoil_headers(chance: Chance, lines: list[Line[Child]], year: int) -> None:
    for column, value, rule_kind in HEADER_FLAWS.get(year, ()):
        whole = [line for line in lines if line.lands]
        whole[int(chance.integers(len(whole)))].spoil(HEADER_COLUMNS.index(column), value, rule_kind)


def locate(episode: Episode, directory: Directory) -> Location:
    """Where the placement is; one whose postcode does not resolve is not known, and never inside or outside."""
    placed = directory.resolved.get(episode.placement.postcode or "")
    if placed is None:
        return Location(is_known=False, is_outside=False, is_far=False)
    home = directory.resolved.get(episode.home_postcode or "")
    is_far = False
    if home is not None and home.grid == placed.grid == "GB":
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
        and e.legal_status not in ("V3", "V4")
    ]


def _count(tally: Tally, episodes: list[Episode], year: int, directory: Directory) -> None:
    period = ("financial_year", year_label(year - 1))
    latest: dict[str, Episode] = {}
    for episode in sorted(episodes, key=lambda e: e.started):
        if not _is_over(episode, year) and episode.legal_status not in ("V3", "V4"):
            latest[episode.child] = episode
    places = [locate(episode, directory) for episode in latest.values()]
    outside_far = sum(place.is_outside and place.is_far for place in places)
    tally.add("placed_out_of_area_far", DATASET, period, outside_far, len(places))
    tally.add("placed_out_of_area", DATASET, period, sum(place.is_outside for place in places), len(places))
    tally.add("placement_location_not_known", DATASET, period, sum(not p.is_known for p in places), len(places))
    begun = [locate(episode, directory) for episode in _started_in_year(episodes, year)]
    tally.add("new_placements_out_of_area", DATASET, period, sum(place.is_outside for place in begun), len(begun))


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
