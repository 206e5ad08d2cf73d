"""From where on a batch that differs from the one before it is reported: what ``thresholds.yml`` says, validated."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from expectations.results import Owner

_TABLE = Path(__file__).with_suffix(".yml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """The numbers of one rule, with who answers for it and why they are what they are."""

    numbers: dict[str, float]
    decided_date: date
    owner: Owner
    reason: str = Field(min_length=1)
    remedy: str = Field(min_length=1)


class Period(_Strict):
    """Which period a row belongs to.

    ``number``: the column is a whole number, such as a wave. ``first_year``: it begins with a year, as ``201617``.
    ``term``, ``quarter``, ``academic_year``: it is a date. ``census_term``: it is the name of a term, with
    ``start_year`` beside it.
    """

    kind: Literal["number", "first_year", "term", "quarter", "academic_year", "census_term"]
    column: str


class Watched(_Strict):
    """What is watched of one dataset."""

    period: Period
    #: Column whose values are compared only with themselves.
    series: str | None = None
    #: Whether more of it is what the programme is for, by whoever comes next: only a fall is reported.
    growing: bool = False
    #: Whether each period covers areas, named in ``area_code``.
    areas: bool = False
    #: Codes whose shares change by themselves, such as the status of a booking or the level of the course.
    unsteady: list[str] = Field(default_factory=list)
    #: Column that names a school as its supplier does, which the warehouse looks up in the register.
    schools: str | None = None
    #: Column that says when something happened, of a return that is about one year.
    year_dates: str | None = None
    #: Column that says when a wave was answered.
    wave_dates: str | None = None
    #: Numbers of its own, by rule, and why.
    numbers: dict[str, dict[str, float]] = Field(default_factory=dict)
    numbers_reason: str | None = None

    @model_validator(mode="after")
    def _own_numbers_have_a_reason(self) -> Self:
        if bool(self.numbers) != bool(self.numbers_reason):
            raise ValueError("numbers of its own need a numbers_reason, and only they do")
        return self


class Thresholds(_Strict):
    """The whole table."""

    rules: dict[str, Threshold]
    datasets: dict[str, Watched]

    @model_validator(mode="after")
    def _own_numbers_are_of_known_rules(self) -> Self:
        for dataset, watched in self.datasets.items():
            for rule, numbers in watched.numbers.items():
                if rule not in self.rules or numbers.keys() != self.rules[rule].numbers.keys():
                    raise ValueError(f"{dataset}: {rule} has no such numbers; name all of those under rules")
        return self

    def of(self, dataset: str, rule: str) -> dict[str, float]:
        """The numbers of a rule, as they hold for a dataset."""
        watched = self.datasets.get(dataset)
        return (watched.numbers.get(rule) if watched else None) or self.rules[rule].numbers


@cache
def load_thresholds() -> Thresholds:
    """The table.

    Raises:
        pydantic.ValidationError: it names something unknown, or a number without a reason.
    """
    return Thresholds.model_validate(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))
