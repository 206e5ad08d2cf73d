"""The invented partnership's organisations and the register that lists them, counted again every autumn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from ingestion.sample.filing import Filing, Line, headers, labels
from ingestion.sample.places import HOME
from ingestion.sample.scale import Chance, Scale, pick

DATASET = "organisations"

#: The days of the head counts, one register file each.
COUNTED = (date(2022, 9, 30), date(2023, 9, 29), date(2024, 9, 30), date(2025, 9, 30))

#: Organisations of each sector in the borough.
SECTORS = {
    "education": 12,
    "health": 6,
    "social_care": 4,
    "justice": 3,
    "voluntary": 8,
    "housing": 3,
    "early_years": 4,
}
#: What organisations of a sector are called behind the name of their place, with the short form people type.
KINDS = {
    "education": (
        ("Primary School", "Primary"),
        ("High School", "High"),
        ("Sixth Form College", "College"),
        ("Special School", "Special"),
    ),
    "health": (("Health Centre", "HC"), ("Children's Health Service", "CHS"), ("Family Clinic", "Clinic")),
    "social_care": (("Children's Services", "CS"), ("Family Hub", "Hub"), ("Fostering Service", "Fostering")),
    "justice": (("Youth Justice Service", "YJS"), ("Police Neighbourhood Team", "Police")),
    "voluntary": (("Young People's Trust", "YPT"), ("Listening Project", "Listening"), ("Family Friends", "Friends")),
    "housing": (("Homes", "Housing"), ("Supported Lodgings", "Lodgings")),
    "early_years": (("Nursery", "Nursery School"), ("Children's Centre", "CC")),
}
STEMS = (
    "Quillhampton", "Almscar", "Brackenmoot", "Cinderlow", "Dappleby Vale", "Eldermarch", "Fallowmere", "Glimmerthorpe",
    "Harrowquill", "Inglemoot", "Jessamine Lane", "Kestrelow", "Larksheath", "Mossgarth Quay", "Nettlequay",
    "Oakenmarch", "Plumtreeholm", "Quernlow", "Rowanmoot", "Saltergleam", "Thistlequill", "Umberlow", "Vesperfield",
    "Willowmarch", "Yarrowquay", "Zephyr Hill", "Amberscar", "Bellquill", "Cloverscar", "Dunquill", "Emberholm",
    "Fernquay", "Gorsemoot", "Hollowquill", "Ivyscar", "Juniperlow", "Knapquill", "Lindenmoot", "Mallowscar",
    "Nightjar Quay", "Ospreylow", "Pebblemoot", "Quaverley", "Rushquill", "Sorrelscar", "Teaselmoot", "Undermarch",
    "Violetscar",
)  # fmt: skip

#: Share of each role, and of volunteers where the sector lives by them.
ROLE_SHARES = {"practitioner": 0.62, "manager": 0.12, "leader": 0.06, "support": 0.16, "volunteer": 0.04}
VOLUNTARY_SHARES = {"practitioner": 0.38, "manager": 0.1, "leader": 0.07, "support": 0.1, "volunteer": 0.35}
ROLES = tuple(ROLE_SHARES)
#: Head counts of the organisations that are small on purpose: under the smallest base that may be shown.
SMALL_HEADCOUNTS = (3, 4, 6, 8, 9)


@dataclass(frozen=True, eq=False)
class Organisation:
    """One organisation, itself and no other; ``headcounts`` is by day of the count and role, ``total`` for everyone."""

    organisation_id: str
    name: str
    aliases: tuple[str, ...]
    sector: str
    headcounts: dict[date, dict[str, int]]
    #: The name it had until its third count, where it changed.
    former_name: str | None = None
    #: The day from which it is no longer in the partnership, where it left.
    left: date | None = None

    @property
    def joined(self) -> date:
        """Day of its first head count."""
        return min(self.headcounts)

    @property
    def steady_headcount(self) -> dict[str, int]:
        """By role, the number of people it never fell below."""
        return {role: min(count[role] for count in self.headcounts.values()) for role in ROLES}

    def counted_by(self, day: date) -> dict[str, int] | None:
        """Its latest head count on or before a day; None where it had none yet, or has left by then."""
        if self.left is not None and self.left <= day:
            return None
        days = [counted for counted in self.headcounts if counted <= day]
        return self.headcounts[max(days)] if days else None

    def mention(self, chance: Chance) -> str:
        """The name somebody gives it: mostly its own, sometimes an alias."""
        return pick(chance, self.aliases) if chance.random() < 0.15 else self.name


def make_organisations(chance: Chance, scale: Scale) -> list[Organisation]:
    """Every organisation: some small, one that joins late, one that changes its name."""
    organisations: list[Organisation] = []
    for sector, how_many in SECTORS.items():
        names = [(stem, kind) for stem in STEMS for kind in KINDS[sector]]
        for position in chance.permutation(len(names))[: how_many * scale.times]:
            stem, (kind, short) = names[position]
            number = len(organisations) + 1
            organisations.append(
                Organisation(
                    organisation_id=f"ORG{number:04d}",
                    name=f"{stem} {kind}",
                    aliases=(f"{stem} {short}", f"{stem} {kind}, {HOME.name}"),
                    sector=sector,
                    headcounts=_headcounts(chance, sector, _usual_size(chance, number)),
                )
            )
    return _with_history(organisations)


def _usual_size(chance: Chance, number: int) -> int:
    # Every eighth is small, so that every size of sample has figures on too few people to show.
    if number % 8 == 0:
        return SMALL_HEADCOUNTS[number // 8 % len(SMALL_HEADCOUNTS)]
    return 12 + int(chance.lognormal(3.6, 0.7))


def _headcounts(chance: Chance, sector: str, usual: int) -> dict[date, dict[str, int]]:
    shares = VOLUNTARY_SHARES if sector == "voluntary" else ROLE_SHARES
    weights = list(shares.values())
    usual_by_role = [1 + int(n) for n in chance.multinomial(max(usual - len(ROLES), 0), weights)]
    if usual < len(ROLES):
        usual_by_role = [1] * usual + [0] * (len(ROLES) - usual)
    counts = {}
    for day in COUNTED:
        by_role = {
            role: max(0, number + round(number * float(chance.normal(0, 0.05))))
            for role, number in zip(ROLES, usual_by_role, strict=True)
        }
        counts[day] = {"total": sum(by_role.values()), **by_role}
    return counts


def _with_history(organisations: list[Organisation]) -> list[Organisation]:
    """The third organisation changed its name, the sixth left with the last count, the last but one joined late."""
    renamed, late = organisations[2], organisations[-2]
    former = f"{renamed.name} (Old Road)"
    organisations[2] = replace(renamed, former_name=former, aliases=(*renamed.aliases, former))
    organisations[5] = replace(organisations[5], left=COUNTED[-1])
    organisations[-2] = replace(late, headcounts={day: late.headcounts[day] for day in COUNTED[2:]})
    return organisations


def write_register(filing: Filing, organisations: list[Organisation]) -> None:
    """Write one file per head count; the later ones use other headers and dates that the contract knows."""
    for number, day in enumerate(COUNTED):
        others = number % 2
        columns = ["organisation_id", "organisation_name", "aliases", "sector_code", "role_code", "headcount"]
        columns += ["counted_date", "left_date"]
        header = headers(DATASET, columns, aliases=others, headcount=others, left_date=others)
        written = f"{day:%Y-%m-%d}" if others else f"{day:%d/%m/%Y}"
        lines = [line for o in organisations if day in o.headcounts for line in _lines(o, day, written, number)]
        filing.csv(
            f"organisations/register_{day:%Y-%m}.csv", DATASET, header, lines, datetime(day.year, 10, 6, 9, number)
        )


def _lines(organisation: Organisation, day: date, written: str, number: int) -> list[Line[None]]:
    sectors, roles = labels(DATASET, "sector_code"), labels(DATASET, "role_code")
    is_former = organisation.former_name is not None and number < 2
    aliases = "; ".join(alias for alias in organisation.aliases if alias != organisation.former_name or not is_former)
    return [
        Line(
            [
                organisation.organisation_id,
                organisation.former_name if is_former else organisation.name,
                aliases,
                sectors[organisation.sector],
                # In the first register the row about everyone leaves its role empty.
                None if role == "total" and number == 0 else roles[role],
                count,
                written,
                # The row of its last count says that it left; earlier registers could not know.
                written if organisation.left == day else None,
            ],
            None,
        )
        for role, count in organisation.headcounts[day].items()
    ]
