"""Children looked after by the invented borough.

Lives here: the children's lives in care. How a return is cut from them and what it should count to is the business of
``ssda903`` and the modules beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal, TypeVar

from ingestion.sample.places import HOME, NEIGHBOURS, UNKNOWN_OUTWARD, Postcode, inward
from ingestion.sample.scale import Chance, Scale, pick

Where = Literal["inside", "near", "far", "not_known"]
Kind = TypeVar("Kind", bound=str)

FIRST_DAY, LAST_DAY = date(2022, 4, 1), date(2025, 3, 31)
MEAN_DAYS_IN_CARE, MEAN_DAYS_IN_PLACEMENT = 1000, 430
COMES_OF_AGE = 18 * 365 + 5

#: Where a placement that begins in a year (to 31 March) is found: the borough brings its children closer to home.
WHERE: dict[int, dict[Where, float]] = {
    2022: {"inside": 0.54, "near": 0.27, "far": 0.16, "not_known": 0.03},
    2023: {"inside": 0.58, "near": 0.25, "far": 0.14, "not_known": 0.03},
    2024: {"inside": 0.65, "near": 0.22, "far": 0.10, "not_known": 0.03},
    2025: {"inside": 0.72, "near": 0.18, "far": 0.075, "not_known": 0.025},
}
HOME_WHERE: dict[Where, float] = {"inside": 0.955, "near": 0.025, "not_known": 0.02}
#: Why an episode ends and the next begins while the child stays in care.
CHANGES = {"P": 0.72, "L": 0.16, "T": 0.05, "B": 0.05, "U": 0.02}
MOVES_ON = ("P", "B")
CHANGES_LEGAL_STATUS = ("L", "B", "U")
LEGAL_STATUSES = {"C1": 0.3, "C2": 0.38, "V2": 0.24, "E1": 0.06, "L1": 0.02}
SHORT_BREAKS = 0.07
NEEDS = {"N1": 0.64, "N2": 0.04, "N3": 0.03, "N4": 0.09, "N5": 0.14, "N6": 0.03, "N7": 0.01, "N8": 0.02}
#: Types that every collection year of the sample knows; ``K3`` is new in 2025.
PLACEMENT_TYPES = {"U1": 0.1, "U4": 0.22, "U6": 0.36, "K2": 0.16, "K1": 0.01, "R1": 0.02, "P1": 0.08, "Z1": 0.05}
NEW_TYPE, NEW_TYPE_FROM = "K3", date(2024, 4, 1)
PROVIDERS = {"PR1": 0.42, "PR2": 0.04, "PR4": 0.44, "PR5": 0.1}
CHANGE_REASONS = {
    "CARPL": 0.24, "CREQB": 0.16, "CREQO": 0.1, "CHILD": 0.07, "OTHER": 0.22, "STAND": 0.04, "ALLEG": 0.05,
    "LAREQ": 0.05, "CLOSE": 0.03, "PLACE": 0.03, "APPRR": 0.01,
}  # fmt: skip
#: A former child in care of whom the returns hear until the 22nd birthday, for every child in care.
CARE_LEAVERS_PER_CHILD = 0.9
LEFT_CARE_BORN = (date(2001, 4, 1), date(2008, 3, 31))
#: Boys of this age or older when they came are taken to have come to the country on their own, in this share.
UNACCOMPANIED_FROM_AGE, UNACCOMPANIED = 14, 0.3
LEAVING_REASONS = {"E4A": 0.32, "E45": 0.16, "E46": 0.06, "E11": 0.1, "E8": 0.3, "E13": 0.06}
ETHNICITIES = {
    "WBRI": 0.62, "APKN": 0.1, "ABAN": 0.04, "BAFR": 0.05, "MWBC": 0.06, "MOTH": 0.04, "OOTH": 0.05, "WOTH": 0.04,
}  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """Where a child lives: the type and provider of the placement and its postcode, if it was recorded."""

    kind: str
    provider: str | None
    postcode: str | None
    urn: str | None


@dataclass(frozen=True)
class Episode:
    """One episode as it was in the end; ``ceased`` is empty where it outlasts the sample."""

    child: str
    started: date
    new_episode_reason: str
    legal_status: str
    need: str
    placement: Placement
    home_postcode: str | None
    ceased: date | None = None
    ceased_reason: str | None = None
    change_reason: str | None = None

    @property
    def is_short_break(self) -> bool:
        """Whether it is a series of short breaks, which most figures leave out."""
        return self.legal_status in ("V3", "V4")


@dataclass
class Child:
    """One child with its episodes, oldest first."""

    number: str
    is_girl: bool
    born: date
    ethnicity: str
    upn: str
    is_mother: bool
    episodes: list[Episode] = field(default_factory=list)


@dataclass(frozen=True)
class CareLeaver:
    """A young person who left care, before the sample begins or in its time."""

    number: str
    born: date


@dataclass(frozen=True)
class Circumstances:
    """What the children bring with them, drawn once so that it shows in every year."""

    #: How heavily the past weighs on a child, by number: around nought, heavier above.
    burdens: dict[str, float]
    #: Numbers of those who came to the country on their own.
    unaccompanied: frozenset[str]
    care_leavers: list[CareLeaver]


@dataclass
class Directory:
    """The invented postcodes by where they lie, seen from the borough."""

    resolved: dict[str, Postcode]
    by_where: dict[Where, list[str]]

    @classmethod
    def of(cls, postcodes: list[Postcode]) -> Directory:
        """Sort a directory into the borough, its surroundings and the rest."""
        distance = {a.area_code: (a.miles_east**2 + a.miles_north**2) ** 0.5 for a in (HOME, *NEIGHBOURS)}
        by_where: dict[Where, list[str]] = defaultdict(list)
        for postcode in postcodes:
            miles = distance[postcode.authority_code]
            by_where["inside" if miles == 0 else "near" if miles < 15 else "far"].append(postcode.postcode)
        by_where["not_known"] = [f"{UNKNOWN_OUTWARD} {inward(number)}" for number in range(40)]
        return cls({postcode.postcode: postcode for postcode in postcodes}, dict(by_where))

    def draw(self, chance: Chance, where: Where) -> str | None:
        """A postcode there; of those that are not known, half were never recorded."""
        if where == "not_known" and chance.random() < 0.5:
            return None
        return pick(chance, self.by_where[where])


def make_children(chance: Chance, scale: Scale, directory: Directory) -> list[Child]:
    """Every child who was looked after at some time of the sample, with all of its episodes."""
    children: list[Child] = []
    for _ in range(scale.children):
        entered = FIRST_DAY - timedelta(days=1 + int(chance.exponential(MEAN_DAYS_IN_CARE)) % 3000)
        children.append(_child(chance, len(children), entered, FIRST_DAY, directory))
    years = (LAST_DAY - FIRST_DAY).days
    for _ in range(scale.new_children_per_year * 3):
        entered = FIRST_DAY + timedelta(days=int(chance.integers(years)))
        children.append(_child(chance, len(children), entered, entered, directory))
    return children


def make_circumstances(chance: Chance, scale: Scale, children: list[Child]) -> Circumstances:
    """What the children bring with them, and those who left care before the sample begins."""
    burdens = dict(zip((child.number for child in children), chance.normal(0, 1, len(children)).tolist(), strict=True))
    unaccompanied = frozenset(
        child.number
        for child, luck in zip(children, chance.random(len(children)).tolist(), strict=True)
        if not child.is_girl
        and completed_years(child.born, child.episodes[0].started) >= UNACCOMPANIED_FROM_AGE
        and luck < UNACCOMPANIED
    )
    first, last = LEFT_CARE_BORN
    days = chance.integers((last - first).days, size=round(scale.children * CARE_LEAVERS_PER_CHILD)).tolist()
    care_leavers = [CareLeaver(f"{500003 + n * 11}", first + timedelta(days=day)) for n, day in enumerate(days)]
    return Circumstances(burdens, unaccompanied, care_leavers)


def completed_years(born: date, day: date) -> int:
    """Age on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _child(chance: Chance, number: int, entered: date, known_in_care: date, directory: Directory) -> Child:
    is_short_break = chance.random() < SHORT_BREAKS
    age_in_days = int(chance.integers(20, 16 * 365))
    born = max(entered - timedelta(days=age_in_days), known_in_care - timedelta(days=COMES_OF_AGE - 60))
    leaves = known_in_care + timedelta(days=10 + int(chance.exponential(MEAN_DAYS_IN_CARE)))
    leaves = min(leaves, born + timedelta(days=COMES_OF_AGE))
    is_girl = bool(chance.random() < 0.44)
    child = Child(
        number=f"{700001 + number * 7}",
        is_girl=is_girl,
        born=born,
        ethnicity=_draw(chance, ETHNICITIES),
        # Three digits of a pupil number are those of the authority: the invented one's.
        upn=f"A{HOME.old_la_code}{number:09d}",
        is_mother=is_girl and (entered - born).days > 15 * 365 and bool(chance.random() < 0.04),
    )
    child.episodes = _episodes(chance, child, max(entered, born), leaves, directory, is_short_break=is_short_break)
    return child


def _episodes(
    chance: Chance, child: Child, entered: date, leaves: date, directory: Directory, *, is_short_break: bool
) -> list[Episode]:
    home = _home_postcode(chance, directory)
    legal_status = pick(chance, ["V3", "V4"]) if is_short_break else _draw(chance, LEGAL_STATUSES)
    placement = _placement(chance, entered, home, directory)
    episode = Episode(child.number, entered, "S", legal_status, _draw(chance, NEEDS), placement, home)
    episodes = []
    while True:
        lasts = 20 + int(chance.exponential(MEAN_DAYS_IN_PLACEMENT))
        next_day = episode.started + timedelta(days=lasts)
        if is_short_break or next_day >= min(leaves, LAST_DAY + timedelta(days=1)):
            break
        following = _next_episode(chance, episode, next_day, directory)
        is_move = following.new_episode_reason in ("P", "T", "B", "U")
        change_reason = _draw(chance, CHANGE_REASONS) if is_move else None
        episodes.append(replace(episode, ceased=next_day, ceased_reason="X1", change_reason=change_reason))
        episode = following
    if leaves <= LAST_DAY:
        episode = replace(episode, ceased=leaves, ceased_reason=_draw(chance, LEAVING_REASONS))
    return [*episodes, episode]


def _next_episode(chance: Chance, episode: Episode, day: date, directory: Directory) -> Episode:
    reason = _draw(chance, CHANGES)
    legal_status, placement = episode.legal_status, episode.placement
    if reason in CHANGES_LEGAL_STATUS:
        others = {code: weight for code, weight in LEGAL_STATUSES.items() if code != legal_status}
        legal_status = _draw(chance, others)
    if reason in MOVES_ON:
        placement = _placement(chance, day, episode.home_postcode, directory)
    return replace(episode, started=day, new_episode_reason=reason, legal_status=legal_status, placement=placement)


def _home_postcode(chance: Chance, directory: Directory) -> str | None:
    """Mostly in the borough; a few families have moved next door, a few addresses are not known."""
    return directory.draw(chance, _draw(chance, HOME_WHERE))


def _placement(chance: Chance, day: date, home: str | None, directory: Directory) -> Placement:
    year = max(day.year + (day.month > 3), min(WHERE))
    kinds = PLACEMENT_TYPES | ({NEW_TYPE: 0.06} if day >= NEW_TYPE_FROM else {})
    kind = _draw(chance, kinds)
    where = _draw(chance, WHERE[year])
    provider = None if kind in ("P1", "Z1") else _draw(chance, PROVIDERS)
    urn = f"SC9{int(chance.integers(100000)):05d}" if kind in ("K1", "K2", NEW_TYPE) else None
    # A child placed with its parents lives at home.
    return Placement(kind, provider, home if kind == "P1" else directory.draw(chance, where), urn)


def _draw(chance: Chance, shares: Mapping[Kind, float]) -> Kind:
    return pick(chance, list(shares), list(shares.values()))
