"""What the files of a return on looked-after children share: the year, how a cell is written, how rows are spoilt.

The statutory layout is that of the contracts; what stands in the files is the business of their own modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ingestion.sample.filing import Line, Record
from ingestion.sample.looked_after import Episode
from ingestion.sample.scale import Chance
from ingestion.sample.tally import year_label

SEX_LETTERS_FROM = 2025

#: Rows to spoil, by year of the return: the column, the value and the kind of rule it breaks.
Flaws = Mapping[int, Sequence[tuple[str, str, str]]]


@dataclass(frozen=True)
class Return:
    """The return of one year, named after the calendar year in which it ends."""

    year: int

    @property
    def first_day(self) -> date:
        """1 April."""
        return date(self.year - 1, 4, 1)

    @property
    def last_day(self) -> date:
        """31 March."""
        return date(self.year, 3, 31)

    @property
    def folder(self) -> str:
        """The folder that its files arrive in."""
        return f"ssda903/{self.year - 1}-{self.year % 100:02d}"

    def arrived(self, minute: int) -> datetime:
        """When its files arrived, one after the other."""
        return datetime(self.year, 6, 12, 14, minute)

    @property
    def period(self) -> tuple[str, str]:
        """Type and label of the period that its figures are about."""
        return "financial_year", year_label(self.year - 1)

    def reports(self, episode: Episode) -> bool:
        """Whether it holds an episode: every one that was open on some day of its year."""
        return episode.started <= self.last_day and (episode.ceased is None or episode.ceased >= self.first_day)

    def sees_the_end_of(self, episode: Episode) -> bool:
        """Whether an episode is over by its last day."""
        return episode.ceased is not None and episode.ceased <= self.last_day

    def sex(self, *, is_girl: bool) -> str:
        """The code of its year."""
        girl, boy = ("F", "M") if self.year >= SEX_LETTERS_FROM else ("2", "1")
        return girl if is_girl else boy


def written(day: date | None) -> str | None:
    """A day as the return writes it."""
    return None if day is None else f"{day:%d/%m/%Y}"


def flag(value: bool | None) -> str | None:
    """A yes or no as the return writes it; empty where it was not said."""
    return None if value is None else str(int(value))


def spoil(chance: Chance, lines: Sequence[Line[Record]], columns: Sequence[str], year: int, flaws: Flaws) -> None:
    """Spoil rows drawn by lot, each in one cell."""
    for column, value, rule_kind in flaws.get(year, ()):
        whole = [line for line in lines if line.lands]
        whole[int(chance.integers(len(whole)))].spoil(columns.index(column), value, rule_kind)
