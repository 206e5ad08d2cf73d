"""The invented borough's surveys: the layouts of their tools, and truth that a stranger counts again from the files."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from ingestion.instruments import load_instruments
from ingestion.sample import write_sample
from ingestion.sample.filing import labels

ORGANISATIONAL = "organisational survey/Organisational survey wave {}.csv"
FAMILIES = "children and families survey/Children and families wave {}.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("surveys") / "home").root


@pytest.fixture(scope="module")
def planted(home: Path) -> dict[tuple[str, ...], tuple[int, int]]:
    """Numerator and denominator by indicator, period, sector, organisation, breakdown and its value."""
    key = ("indicator_id", "period", "sector", "organisation_id", "breakdown", "breakdown_value")
    return {
        tuple(row[k] for k in key): (int(row["numerator"]), int(row["denominator"]))
        for row in dicts(home / "truth" / "indicator_counts.csv")
        if row["denominator"]
    }


@pytest.fixture(scope="module")
def places(home: Path) -> dict[str, tuple[str, str]]:
    """Every name and alias of every organisation → its id and sector."""
    known: dict[str, tuple[str, str]] = {}
    for path in sorted((home / "inbox" / "organisations").iterdir()):
        for row in dicts(path):
            aliases = row.get("Also known as") or row.get("Aliases") or ""
            for name in (row["Organisation"], *(alias.strip() for alias in aliases.split(";"))):
                known[name] = (row["Organisation ID"], row["Sector"])
    return known


def dicts(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(home: Path, name: str) -> list[list[str]]:
    with (home / "inbox" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def flawed(home: Path, name: str) -> set[int]:
    """Rows of a file that should be quarantined."""
    rows = dicts(home / "truth" / "quarantine.csv")
    return {int(row["source_row"]) for row in rows if row["file_name"] == name and row["source_row"]}


def whole(indicator_id: str, period: str) -> tuple[str, ...]:
    return (indicator_id, period, "total", "total", "total", "total")


def test_the_first_organisational_wave_is_qualtrics_with_previews_and_unfinished_responses(home: Path) -> None:
    names, texts, ids, *rows = table(home, ORGANISATIONAL.format(1))
    assert names[:3] + names[8:9] == ["StartDate", "EndDate", "Status", "ResponseId"]
    assert texts[8] == "Response ID"
    assert all(cell.startswith('{"ImportId":"') for cell in ids)
    assert any("\n" in text for text in texts)
    assert sum(row[2] == "Survey Preview" for row in rows) == 3
    assert any(row[6] == "False" for row in rows)
    assert len({len(row) for row in (names, texts, ids, *rows)}) == 1


def test_yes_is_counted_over_the_latest_finished_response_of_each_organisation(
    home: Path, planted: dict[tuple[str, ...], tuple[int, int]], places: dict[str, tuple[str, str]]
) -> None:
    _, texts, _, *rows = table(home, ORGANISATIONAL.format(1))
    at = {name: texts.index(name) for name in ("Recorded Date", "Finished", "Response Type")}
    service = texts.index("Which organisation are you answering for?")
    plan = next(n for n, text in enumerate(texts) if text.endswith(" - We have a trauma-informed action plan"))
    stage = next(n for n, text in enumerate(texts) if text.endswith(" - RESPOND"))
    latest: dict[str, list[str]] = {}
    good = [row for row in rows if row[at["Finished"]] == "True" and row[at["Response Type"]] != "Survey Preview"]
    for row in sorted(good, key=lambda row: row[at["Recorded Date"]]):
        latest[places[row[service]][0]] = row
    # Somebody answered twice, so that the rule has something to do.
    assert len(latest) < len(good)
    plans = [row[plan] for row in latest.values() if row[plan] and row[plan] != "Prefer not to say"]
    stages = [row[stage] for row in latest.values() if row[stage] and row[stage] != "Prefer not to say"]
    period = "organisational wave 1"
    assert planted[whole("org12", period)] == (plans.count("Yes, fully"), len(plans))
    assert planted[whole("org33", period)] == (sum(said[0] in "34" for said in stages), len(stages))
    assert not any(key[0].startswith("org0") and key[3] != "total" for key in planted)


def test_the_second_organisational_wave_is_numbered_as_jisc_numbers(home: Path) -> None:
    header, *rows = table(home, ORGANISATIONAL.format(2))
    assert header[:3] == ["Unique Response Number", "Completed", "1. Name of your organisation"]
    assert header[3] == "2. We have signed the trauma-informed pledge"
    assert header[-5:] == ["24.1. REALISE", "24.2. RECOGNISE", "24.3. RESPOND", "24.4. AVOID RE-TRAUMATISATION",
                           "24.5. OUTCOME"]  # fmt: skip
    assert len({row[0] for row in rows}) == len(rows)


def test_organisations_come_further_from_wave_to_wave(planted: dict[tuple[str, ...], tuple[int, int]]) -> None:
    shares = [
        sum(planted[whole(f"org{n:02}", f"organisational wave {wave}")][0] for n in range(1, 22))
        / sum(planted[whole(f"org{n:02}", f"organisational wave {wave}")][1] for n in range(1, 22))
        for wave in (1, 2)
    ]
    assert 0.15 < shares[0] < shares[1] - 0.05 < 0.75


def test_the_families_waves_are_of_three_tools(home: Path) -> None:
    first, second, *_ = table(home, FAMILIES.format(1))
    assert first[:4] == ["Respondent ID", "Collector ID", "Start Date", "End Date"]
    assert first.count("") == 11 + 5
    assert second[9:12] == ["Response", "Response", "I told my story when it felt right, to someone who listened and "
                            "believed me"]  # fmt: skip
    assert table(home, FAMILIES.format(2))[0][3].startswith("How far do you agree? [")
    assert table(home, FAMILIES.format(2))[1][0].endswith(" GMT+1")
    assert (home / "inbox" / FAMILIES.format(3)).read_bytes().startswith(b"\xef\xbb\xbfID,Start time,Completion time,")


def test_the_third_families_wave_counts_as_it_was_sent_again(
    home: Path, planted: dict[tuple[str, ...], tuple[int, int]], places: dict[str, tuple[str, str]]
) -> None:
    sent, again = (home / "inbox" / FAMILIES.format(name) for name in ("3", "3 (with late responses)"))
    assert sent.stat().st_mtime < again.stat().st_mtime
    assert len(dicts(again)) > len(dicts(sent))
    wording = load_instruments()["children_families"].items[4].wordings[0]
    counted: dict[tuple[str, ...], list[bool]] = defaultdict(list)
    period = "children and families wave 3"
    kinds = {"A child or young person": "child", "A parent or carer": "carer", "Someone else": "other"}
    sectors = {label: code for code, label in labels("organisations", "sector_code").items()}
    named: set[str] = set()
    for row in dicts(again):
        organisation_id, sector = places[row["Who has been supporting you?"]]
        if any(row[item.wordings[0]] for item in load_instruments()["children_families"].items):
            named.add(organisation_id)
        if row[wording] in ("", "Prefer not to say"):
            continue
        is_top = row[wording] in ("Often", "Always")
        counted[whole("cf05", period)].append(is_top)
        counted["cf05", period, sectors[sector], "total", "total", "total"].append(is_top)
        counted["cf05", period, sectors[sector], organisation_id, "total", "total"].append(is_top)
        kind = kinds.get(row["I am"], "not_said")
        counted["cf05", period, "total", "total", "respondent_kind", kind].append(is_top)
    expected = {key: (sum(tops), len(tops)) for key, tops in counted.items()}
    assert {key: value for key, value in planted.items() if key[:2] == ("cf05", period)} == expected
    assert planted[whole("family_survey_take_up", period)][0] == len(named)


def test_feedback_is_counted_once_though_two_exports_hold_it(
    home: Path, planted: dict[tuple[str, ...], tuple[int, int]]
) -> None:
    folder = home / "inbox" / "training feedback"
    early, later = (dicts(folder / f"Feedback to {season} 2025.csv") for season in ("spring", "autumn"))
    bad = {number - 2 for number in flawed(home, "training feedback/Feedback to spring 2025.csv")}
    assert len(bad) == 1
    # Every earlier response stands in the later export, letter for letter, but for the one that was mended.
    assert [row for number, row in enumerate(early) if row != later[number]] == [early[number] for number in bad]
    useful, recommend = "The training was useful in my role", "I would recommend the training to a colleague"
    scored = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
    both: dict[str, list[bool]] = defaultdict(list)
    one: dict[str, list[bool]] = defaultdict(list)
    for row in later:
        day = datetime.strptime(row["Timestamp"][:10], "%Y/%m/%d")
        period = f"{day.year} Q{(day.month + 2) // 3}"
        if row[useful] in scored:
            one[period].append(row[useful] in scored[3:])
        if row[useful] in scored and row[recommend] in scored:
            both[period].append(row[useful] in scored[3:] and row[recommend] in scored[3:])
    assert len(both) == 6
    for period, tops in both.items():
        assert planted[whole("training_feedback", period)] == (sum(tops), len(tops))
    for period, tops in one.items():
        key = ("training_feedback", period, "total", "total", "statement", "useful")
        assert planted[key] == (sum(tops), len(tops))
