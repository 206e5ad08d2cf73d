"""Disclosure control on tables small enough to be worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from dbt_project.python.disclosure import Cell, Relation, Suppression, disclosure_control

YEAR = (date(2024, 9, 1), date(2025, 8, 31))
TERMS = {
    "autumn": (date(2024, 9, 1), date(2024, 12, 31)),
    "spring": (date(2025, 1, 1), date(2025, 3, 31)),
    "summer": (date(2025, 4, 1), date(2025, 8, 31)),
}
SHOWN = Suppression(False, False, None)


def cell(numerator, denominator=1000, **changed):
    """An organisation's count in a year, unless said otherwise."""
    values = {
        "indicator_id": "i", "source_dataset": "s", "area_code": "a", "sector": "total", "organisation_id": "total",
        "breakdown": "total", "breakdown_value": "total", "period_type": "academic_year", "period": "2024/25",
        "period_start": YEAR[0], "period_end": YEAR[1], "numerator": numerator, "denominator": denominator,
        "is_numerator_shown": numerator is not None, "is_denominator_shown": denominator is not None,
        "is_published": False, "measure_type": "rate", "disclosure_unit": "person", "minimum_count": 5,
        "minimum_base": 10,
    }  # fmt: skip
    return Cell(**(values | changed))


def school(name, numerator, denominator=1000, **changed):
    return cell(numerator, denominator, sector="schools", organisation_id=name, **changed)


def term(name, numerator, **changed):
    start, end = TERMS[name]
    return cell(numerator, period_type="term", period=name, period_start=start, period_end=end, **changed)


def decided(cells, **more):
    return disclosure_control(cells, **more).suppressions


def reasons(cells, **more):
    return [found.reason for found in decided(cells, **more)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (cell(5, 40), Suppression(True, False, "small count")),
        (cell(6, 40), SHOWN),
        (cell(0, 40), SHOWN),
        (cell(35, 40, measure_type="proportion"), Suppression(True, False, "small complement")),
        (cell(34, 40, measure_type="proportion"), SHOWN),
        (cell(40, 40, measure_type="proportion"), SHOWN),
        (cell(35, 40), SHOWN),
        (cell(0, 9), Suppression(True, True, "small base")),
        (cell(0, 5, minimum_base=None), Suppression(True, True, "small base")),
        (cell(0, 6, minimum_base=None), SHOWN),
        (cell(0, 10), SHOWN),
        (cell(3, 2, measure_type="proportion", is_numerator_shown=False), Suppression(True, True, "small base")),
        (cell(120, 100, measure_type="proportion", is_numerator_shown=False), SHOWN),
        (cell(3, None, measure_type="count"), Suppression(True, False, "small count")),
        (cell(None, 100), SHOWN),
        (cell(8, 9, disclosure_unit="respondent", minimum_count=None), Suppression(True, True, "small base")),
        (cell(1, 10, disclosure_unit="respondent", minimum_count=None), SHOWN),
        (cell(1, 3, disclosure_unit="organisation"), SHOWN),
        (cell(1, None, disclosure_unit="event"), SHOWN),
        (cell(3, 4, is_published=True), SHOWN),
        (cell(2, 30, minimum_count=2), Suppression(True, False, "small count")),
        (cell(3, 30, minimum_count=2), SHOWN),
    ],
)
def test_a_cell_is_hidden_for_what_it_is(given, found):
    (suppression,) = decided([given])
    assert suppression[1:] == found[1:]
    if given.is_numerator_shown:
        assert suppression == found


def test_a_school_alone_in_being_small_takes_the_cheapest_other_with_it():
    # 63 in all: 3 hidden alone would be 63 - 20 - 40. The schools without a sector figure add up to the area.
    found = reasons([cell(63, 3000), school("A", 3), school("B", 20), school("C", 40)])
    assert found[:2] == [None, "small count"]
    assert sorted(found[2:], key=str) == [None, "secondary"]


def test_sectors_stand_between_organisations_and_the_area():
    # Schools: 3 + 20 = 23; health: 30. Another school has to go; hiding the sector as well would cost more.
    cells = [
        cell(53, 3000), cell(23, 2000, sector="schools"), school("A", 3), school("B", 20),
        cell(30, sector="health"), cell(30, sector="health", organisation_id="C"),
    ]  # fmt: skip
    assert reasons(cells) == [None, None, "small count", "secondary", None, None]


def test_an_only_organisation_takes_its_sector_and_another_sector_with_it():
    cells = [
        cell(53, 3000), cell(3, sector="schools"), school("A", 3),
        cell(20, sector="health"), cell(20, sector="health", organisation_id="C"),
        cell(30, sector="police"), cell(30, sector="police", organisation_id="D"),
    ]  # fmt: skip
    found = reasons(cells)
    assert found[:3] == [None, "small count", "small count"]
    assert found[3:] in (["secondary"] * 2 + [None] * 2, [None] * 2 + ["secondary"] * 2)


def test_those_who_belong_nowhere_are_a_remainder_that_everybody_may_know():
    # 70, of whom 7 are in no school: A is still 70 - 7 - 20 - 40.
    assert reasons([cell(70, 3000), school("A", 3), school("B", 20), school("C", 40)]).count("secondary") == 1


def test_the_terms_of_a_year_are_watched_for_every_school_and_for_all():
    schools = {"A": (3, 20, 30), "B": (10, 11, 12), "C": (13, 14, 15)}
    cells = [cell(128, 3000)]
    for place, name in enumerate(TERMS):
        cells.append(term(name, sum(counts[place] for counts in schools.values())))
        cells += [
            term(name, counts[place], sector="schools", organisation_id=school) for school, counts in schools.items()
        ]
    cells += [school(name, sum(counts)) for name, counts in schools.items()]
    found = dict(zip([(c.organisation_id, c.period) for c in cells], reasons(cells), strict=True))
    # A rectangle: another term of A, and the same two terms of another school.
    hidden = {key for key, reason in found.items() if reason}
    assert found["A", "autumn"] == "small count"
    assert len(hidden) == 4
    (other_school,) = {school for school, _ in hidden} - {"A"}
    (other_period,) = {period for _, period in hidden} - {"autumn"}
    assert hidden == {(s, p) for s in ("A", other_school) for p in ("autumn", other_period)}


def test_groups_that_overlap_give_nothing_away_and_others_do():
    groups = {"x": 3, "y": 20, "z": 40}
    cells = [cell(n, 3000, breakdown="g", breakdown_value=name) for name, n in groups.items()]
    assert reasons([cell(63, 3000), *cells]).count("secondary") == 1
    assert reasons([cell(50, 3000), *cells]).count("secondary") == 0


PEOPLE = {"disclosure_unit": "respondent", "minimum_count": None, "measure_type": "proportion"}


@pytest.mark.parametrize(("base", "is_few"), [(4, True), (7, False)])
def test_what_was_answered_on_a_small_base_is_protected_and_a_base_of_few_people_is_too(base, is_few):
    cells = [
        cell(49, 88 + base, **PEOPLE), school("A", 3, base, **PEOPLE), school("B", 20, 38, **PEOPLE),
        school("C", 26, 50, **PEOPLE),
    ]  # fmt: skip
    found = decided(cells)
    assert found[0] == SHOWN
    assert found[1] == Suppression(True, True, "small base")
    assert sorted(found[2:], key=str) == [SHOWN, Suppression(True, is_few, "secondary")]


def test_who_took_part_is_no_secret_and_bounds_the_bases_of_what_was_asked():
    relation = Relation("item", "denominator", "answered_by", "response", "numerator")
    responses = {"A": (4, 40), "B": (20, 38), "C": (26, 50)}
    items = {"A": (3, 4), "B": (9, 20), "C": (13, 26)}
    cells = [
        *(school(n, *c, indicator_id="response", **PEOPLE) for n, c in responses.items()),
        cell(25, 50, indicator_id="item", **PEOPLE),
        *(school(n, *c, indicator_id="item", **PEOPLE) for n, c in items.items()),
    ]
    found = decided(cells, relations=[relation])
    assert found[:4] == [SHOWN] * 4
    assert found[4] == Suppression(True, True, "small base")
    # Nobody who took part skipped the question, so no base can be another; one more answer has to be hidden.
    assert sorted(found[5:], key=str) == [SHOWN, Suppression(True, False, "secondary")]


def test_a_second_source_that_counted_the_same_gives_nothing_away():
    cells = [cell(63, 3000), school("A", 3), school("B", 20), school("C", 40)]
    again = [c._replace(source_dataset="t") for c in cells]
    found = reasons([*cells, *again])
    assert found[:4] == found[4:]
    # The other source counted C differently, and B as the first one did.
    other = [cell(64, 3000, source_dataset="t"), *again[1:3], again[3]._replace(numerator=41)]
    found = decided([*cells, *other])
    assert found[2] == found[6]


def test_a_count_that_is_another_indicators_base_is_hidden_there_too():
    relation = Relation("repeat", "denominator", "equals", "suspended", "numerator")
    cells = [
        cell(63, 3000, indicator_id="suspended"),
        *(school(name, n, indicator_id="suspended") for name, n in {"A": 3, "B": 20, "C": 40}.items()),
        cell(15, 63, indicator_id="repeat"),
        *(
            school(name, n, d, indicator_id="repeat")
            for name, (n, d) in {"A": (0, 3), "B": (6, 20), "C": (9, 40)}.items()
        ),
    ]
    found = dict(
        zip([(c.indicator_id, c.organisation_id) for c in cells], decided(cells, relations=[relation]), strict=True)
    )
    for name in "ABC":
        assert found["suspended", name].hides_numerator == found["repeat", name].hides_denominator
    assert sum(found["suspended", name].hides_numerator for name in "ABC") == 2


def test_head_counts_of_one_register_are_one_count_in_whatever_period_they_stand():
    # The take-up hides A's base of 4 and takes B's with it. The survey has the same bases, in another period.
    relation = Relation("take_up", "denominator", "head_count", "response", "denominator")
    take_up = {"indicator_id": "take_up", "measure_type": "proportion", "minimum_base": 10}
    survey = {
        "indicator_id": "response", "measure_type": "proportion", "disclosure_unit": "respondent",
        "minimum_count": None, "minimum_base": 1, "period_type": "wave", "period": "wave 1",
    }  # fmt: skip
    bases = {"A": 4, "B": 40, "C": 60}
    cells = [
        cell(50, 104, **take_up), *(school(name, base // 2, base, **take_up) for name, base in bases.items()),
        cell(30, 104, **survey), *(school(name, 3, base, **survey) for name, base in bases.items()),
    ]  # fmt: skip
    found = decided(cells, relations=[relation])
    hides = [one.hides_denominator for one in found]
    assert hides[1]
    assert sum(hides[:4]) > 1
    assert hides[4:] == hides[:4]
    # A head count that has changed since is another count.
    changed = [one._replace(denominator=70) if one.denominator == 60 else one for one in cells[4:]]
    changed[0] = changed[0]._replace(denominator=114)
    found = decided([*cells[:4], *changed], relations=[relation])
    assert not found[4].hides_denominator
    assert not any(one.hides_denominator for one in decided(cells)[4:])


def test_the_rest_of_a_whole_is_a_count_of_persons():
    relation = Relation("far", "numerator", "part_of", "outside", "numerator")
    cells = [cell(20, 100, indicator_id="far"), cell(23, 100, indicator_id="outside")]
    assert reasons(cells, relations=[relation]).count("secondary") == 1
    cells = [cell(20, 100, indicator_id="far"), cell(26, 100, indicator_id="outside")]
    assert reasons(cells, relations=[relation]) == [None, None]
    cells = [cell(20, 100, indicator_id="far"), cell(23, 100, indicator_id="outside")]
    assert reasons(cells, relations=[relation._replace(relation="within")]) == [None, None]


def test_what_bounds_a_hidden_count_from_above_is_watched():
    # Nobody was suspended without a suspension: 4 suspensions say that no more than 4 pupils were.
    relation = Relation("pupils", "numerator", "within", "suspensions", "numerator")
    cells = [cell(6, indicator_id="suspensions"), cell(3, indicator_id="pupils")]
    assert reasons(cells, relations=[relation]) == [None, "small count"]
    cells = [cell(7, 1000, indicator_id="suspensions", minimum_count=2), cell(3, indicator_id="pupils")]
    assert reasons(cells, relations=[relation]) == [None, "small count"]
    cells = [cell(4, 1000, indicator_id="suspensions", minimum_count=2), cell(3, indicator_id="pupils")]
    assert reasons(cells, relations=[relation]) == ["secondary", "small count"]


# --- the publication before ------------------------------------------------------------------------------------------


def released(cells, suppressions):
    return [
        c._replace(
            is_numerator_shown=c.is_numerator_shown and not found.hides_numerator,
            is_denominator_shown=c.is_denominator_shown and not found.hides_denominator,
        )
        for c, found in zip(cells, suppressions, strict=True)
    ]


BEFORE = [cell(63, 3000), school("A", 3), school("B", 20), school("C", 40)]


def test_the_same_counts_are_hidden_again_and_no_others():
    first = decided(BEFORE)
    again = decided(BEFORE, earlier=released(BEFORE, first))
    assert [found[:2] for found in again] == [found[:2] for found in first]
    assert {found.reason for found in again} == {None, "small count", "withheld before"}


def test_what_was_shown_cannot_be_taken_back_so_something_else_is_hidden():
    # B and C stood in the last publication; hiding them now hides nothing, only the total can still protect A.
    now = [cell(63, 3000), *BEFORE[1:]]
    earlier = [c._replace(is_numerator_shown=c.organisation_id in "BC") for c in BEFORE[1:]]
    assert reasons(now, earlier=earlier) == ["secondary", "small count", None, None]


def test_a_correction_does_not_give_back_what_was_hidden_before():
    # A's 3 becomes 8 and the total 68: shown, the difference of the totals would say that it had been 3.
    now = [cell(68, 3000), school("A", 8), school("B", 20), school("C", 40)]
    first = decided(BEFORE)
    found = decided(now, earlier=released(BEFORE, first))
    partner = next(place for place in (2, 3) if first[place].hides_numerator)
    assert found[partner] == Suppression(True, False, "withheld before")
    # With the partner hidden alone, it could be worked out today and A's 3 with it.
    assert sum(suppression.hides_numerator for suppression in found) >= 2


def test_what_an_earlier_publication_gave_away_is_said():
    outcome = disclosure_control([cell(63, 3000), school("A", 3)], [school("A", 3)])
    assert outcome.given_away == {school("A", 3)}
    assert outcome.suppressions[1].reason == "small count"


def test_what_the_publisher_printed_is_known():
    printed = cell(3, 1000, is_published=True, source_dataset="published", sector="schools", organisation_id="A")
    outcome = disclosure_control([cell(63, 3000), school("A", 3), school("B", 20), school("C", 40), printed])
    assert [found.reason for found in outcome.suppressions] == [None, "small count", None, None, None]
    assert outcome.given_away == {school("A", 3)}
