"""The sample is what it says: the same bytes for the same seed, and a truth that its own files bear out.

What the files should count to is worked out here once more, from the files alone, with nothing of the generator.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import fastexcel
import pytest

from ingestion.contracts import load_contracts
from ingestion.instruments import load_instruments, normalise_wording
from ingestion.readers import normalise_header
from ingestion.sample import SampleError, SampleSummary, write_sample

CORRECTED = "workforce survey/Workforce survey wave 3 (corrected).xlsx"
FIRST_WAVE_3 = "workforce survey/Workforce survey wave 3.xlsx"
#: Exports whose header is not their first row alone: SurveyMonkey's of every answer, and Qualtrics'.
HEADER_ROWS = {
    "children and families survey/Children and families wave 1.csv": 2,
    "organisational survey/Organisational survey wave 1.csv": 3,
}
RESERVED = re.compile(r"@([\w.-]+\.)?(example|example\.(org|com|net)|test|invalid)$")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("sample") / "home")


@pytest.fixture(scope="module")
def home(made: SampleSummary) -> Path:
    return made.root


@pytest.fixture(scope="module")
def files(home: Path) -> list[dict[str, str]]:
    return dicts(home / "truth" / "files.csv")


@pytest.fixture(scope="module")
def quarantine(home: Path) -> list[dict[str, str]]:
    return dicts(home / "truth" / "quarantine.csv")


@pytest.fixture(scope="module")
def planted(home: Path) -> dict[tuple[str, ...], tuple[str, str]]:
    """Numerator and denominator by indicator, source, sector, organisation, breakdown, its value and period."""
    key = ("indicator_id", "source_dataset", "sector", "organisation_id", "breakdown", "breakdown_value", "period")
    counts = dicts(home / "truth" / "indicator_counts.csv")
    found = {tuple(row[k] for k in key): (row["numerator"], row["denominator"]) for row in counts}
    assert len(found) == len(counts)
    return found


def dicts(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(path: Path) -> list[list[str]]:
    """Every row as text, the header first."""
    if path.suffix == ".xlsx":
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string")
        columns = [column.to_pylist() for column in sheet.to_arrow().columns]
        return [["" if cell is None else cell for cell in row] for row in zip(*columns, strict=True)]
    # What Moodle calls an Excel CSV.
    is_wide = path.read_bytes().startswith(codecs.BOM_UTF16_LE)
    with path.open(encoding="utf-16" if is_wide else "utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if is_wide else ","))


def good_rows(home: Path, name: str) -> list[dict[str, str]]:
    """Rows of a file by header, without those that the truth says are quarantined."""
    bad = {int(row["source_row"]) for row in dicts(home / "truth" / "quarantine.csv") if row["file_name"] == name}
    header, *rows = table(home / "inbox" / name)
    return [dict(zip(header, row, strict=True)) for number, row in enumerate(rows, 2) if number not in bad]


def area(indicator_id: str, dataset: str, period: str) -> tuple[str, ...]:
    return (indicator_id, dataset, "total", "total", "total", "total", period)


def sectors_by_name(home: Path) -> dict[str, tuple[str, str]]:
    """Every name and alias of every organisation → its id and the label of its sector."""
    known: dict[str, tuple[str, str]] = {}
    for path in sorted((home / "inbox" / "organisations").iterdir()):
        for row in dicts(path):
            aliases = row.get("Also known as") or row.get("Aliases") or ""
            for name in (row["Organisation"], *(alias.strip() for alias in aliases.split(";"))):
                place = (row["Organisation ID"], row["Sector"])
                assert known.setdefault(name, place) == place, name
    return known


def bytes_and_arrivals(root: Path) -> dict[str, tuple[bytes, float | None]]:
    return {
        str(path.relative_to(root)): (
            path.read_bytes(),
            path.stat().st_mtime if (root / "inbox") in path.parents else None,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_makes_the_same_bytes_and_arrivals_and_another_seed_does_not(home: Path, tmp_path: Path) -> None:
    first = bytes_and_arrivals(home)
    again = bytes_and_arrivals(write_sample(tmp_path / "again", "borough", 1).root)
    other = bytes_and_arrivals(write_sample(tmp_path / "other", "borough", 2).root)

    assert again == first
    assert other.keys() == first.keys()
    same = {name for name in first if first[name][0] == other[name][0]}
    assert same == {
        "impact.yml",
        "inbox/courses/register_of_courses_2023.csv",
        "inbox/courses/register_of_courses_2024.csv",
        "inbox/events/event_log_export.csv",
        "inbox/misc/minutes.csv",
        # What a publisher says of its columns does not hang on its figures.
        *(name for name in first if name.endswith(".meta.csv")),
        "reference/authorities.csv",
        "reference/countries.csv",
        "reference/regions.csv",
        "reference/statistical_neighbours.csv",
    }


def test_a_folder_that_holds_anything_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SampleError, match=r"already holds notes\.txt.*Name a folder that does not exist"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(("size", "seed", "says"), [("county", 1, "borough, region"), ("borough", -1, "from 0 up")])
def test_a_size_or_seed_that_is_none_is_refused(tmp_path: Path, size: str, seed: int, says: str) -> None:
    with pytest.raises(SampleError, match=says):
        write_sample(tmp_path / "home", size, seed)  # type: ignore[arg-type]
    assert not (tmp_path / "home").exists()


def test_an_empty_folder_may_become_the_home(tmp_path: Path) -> None:
    write_sample(tmp_path)
    assert (tmp_path / "impact.yml").read_text(encoding="utf-8").endswith("\nauthority: E08999001\n")


def test_every_file_of_the_inbox_is_in_the_truth_with_rows_that_add_up(
    home: Path, made: SampleSummary, files: list[dict[str, str]]
) -> None:
    inbox = home / "inbox"
    found = {str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file()}
    assert {file["file_name"] for file in files} == found
    for file in files:
        read, landed, quarantined, dropped = (
            int(file[f"rows_{what}"]) for what in ("read", "landed", "quarantined", "dropped")
        )
        assert read == landed + quarantined + dropped, file
        if file["status"] != "refused":
            header_rows = HEADER_ROWS.get(file["file_name"], 1)
            assert read == len(table(inbox / file["file_name"])) - header_rows, file
    assert made.files == len(files)
    assert made.rows == sum(int(file["rows_read"]) for file in files)
    assert made.flawed_rows == sum(int(file["rows_quarantined"]) for file in files)
    assert made.refused_files == 2


def test_every_dataset_that_lands_is_written_and_some_that_nothing_is_kept_of(
    files: list[dict[str, str]],
) -> None:
    contracts = load_contracts()
    by_status = {
        status: {file["dataset"] for file in files if file["status"] == status}
        for status in ("landed", "not_needed", "refused")
    }
    needed = {name for name, contract in contracts.items() if contract.not_needed is None}
    # Answers to a survey of a home's own come from homes that have one.
    assert by_status["landed"] == needed - {"partnership_survey"}
    assert by_status["not_needed"] == {"dfe_metadata", "dfe_other", "ssda903_ad1"}
    assert all(contracts[name].not_needed for name in by_status["not_needed"])
    assert {file["file_name"] for file in files if file["status"] == "refused"} == {
        "events/event_log_export.csv",
        "misc/minutes.csv",
    }


def test_headers_are_those_of_the_contracts(home: Path, files: list[dict[str, str]]) -> None:
    contracts = load_contracts()
    landed = [f for f in files if f["status"] == "landed" and contracts[f["dataset"]].survey is None]
    # A survey's headers are its questions: those are an instrument's, and a test of their own checks them.
    assert {f["dataset"] for f in landed} == {
        name for name, contract in contracts.items() if contract.not_needed is None and contract.survey is None
    }
    # The older release by area has two columns for the number of a school, and the newer none.
    school_numbers = {"published/exclusions_by_geographic_level.csv": 2, "published/exc_geographic.csv": 0}
    for file in landed:
        contract = contracts[file["dataset"]]
        header = [normalise_header(cell) for cell in table(home / "inbox" / file["file_name"])[0]]
        known = {normalise_header(name) for name in contract.ignored_headers}
        for column in contract.columns:
            aliases = {normalise_header(alias) for alias in column.headers}
            known |= aliases
            expected = school_numbers.get(file["file_name"], 1) if column.name == "establishment_number" else 1
            assert len(aliases.intersection(header)) == expected, (file["file_name"], column.name)
        # Moodle names the columns of a course after its activities.
        if not contract.dataset.startswith("moodle_"):
            assert set(header) <= known, file["file_name"]
            assert len(set(header)) == len(header), file["file_name"]


def test_some_files_use_headers_that_only_the_aliases_of_a_contract_know(home: Path) -> None:
    assert "Aliases" in table(home / "inbox/organisations/register_2023-09.csv")[0]
    assert "Also known as" in table(home / "inbox/organisations/register_2024-09.csv")[0]
    assert table(home / "inbox/training/bookings_2024-25_spring.csv")[0][0] == "Learner e-mail"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("exclusions_by_geographic_level.csv", "dfe_exclusions/exclusions_by_geographic_level.csv"),
        ("exclusions_by_geographic_level.meta.csv", "dfe_exclusions/exclusions_by_geographic_level.meta.csv"),
        ("la_cla_during_year_new_placements.csv", "dfe_looked_after/la_cla_during_year_new_placements.csv"),
    ],
)
def test_published_files_carry_the_publishers_header_exactly(home: Path, shared: Path, ours: str, theirs: str) -> None:
    assert table(home / "inbox" / "published" / ours)[0] == table(shared / "data" / theirs)[0]


@pytest.mark.shared_data
def test_published_breakdowns_are_the_publishers(home: Path, shared: Path) -> None:
    name = "la_cla_during_year_new_placements.csv"
    kinds = [
        {(row["characteristic"], row["breakdown"]) for row in dicts(path)}
        for path in (home / "inbox/published" / name, shared / "data/dfe_looked_after" / name)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.shared_data
def test_no_code_or_name_is_that_of_a_real_place(home: Path, shared: Path) -> None:
    real = dicts(shared / "data" / "reference" / "las.csv")
    invented = dicts(home / "reference" / "authorities.csv")
    assert len(invented) == 11
    for ours, theirs in (("area_code", "new_la_code"), ("old_la_code", "old_la_code"), ("area_name", "la_name")):
        assert not {row[ours] for row in invented} & {row[theirs] for row in real}


def test_postcodes_have_a_real_form_and_a_first_letter_that_no_real_one_has(home: Path) -> None:
    form = re.compile(r"Q[A-Z][0-9]{1,2} [0-9][ABD-HJLNP-UW-Z]{2}")
    directory = [row["postcode_key"] for row in dicts(home / "reference" / "postcodes.csv")]
    used = {
        row[column]
        for path in (home / "inbox" / "ssda903").glob("*/episodes.csv")
        for row in dicts(path)
        for column in ("HOME_POST", "PL_POST")
        if row[column]
    }
    assert len(set(directory)) == len(directory) > 900
    assert all(form.fullmatch(postcode) for postcode in used | set(directory))
    assert 0 < len(used - set(directory)) < 60


def test_every_e_mail_address_is_in_a_domain_reserved_for_examples(home: Path) -> None:
    paths = [*(home / "inbox").rglob("*.csv"), *(home / "inbox").rglob("*.xlsx")]
    cells = [cell for path in paths for row in table(path) for cell in row]
    addresses = {a for cell in cells for a in re.findall(r"[\w.+-]+@[\w.-]+", cell)}
    assert len(addresses) > 500
    assert not {address for address in addresses if not RESERVED.search(address)}


def test_each_quarantined_row_of_the_truth_points_at_the_cell_that_is_wrong(
    home: Path, files: list[dict[str, str]], quarantine: list[dict[str, str]]
) -> None:
    per_file = Counter(row["file_name"] for row in quarantine if row["source_row"])
    assert per_file == {f["file_name"]: int(f["rows_quarantined"]) for f in files if f["rows_quarantined"] != "0"}
    for row in quarantine:
        if not row["source_row"]:
            continue
        rows = table(home / "inbox" / row["file_name"])
        position = rows[0].index(row["column_header"])
        assert rows[int(row["source_row"]) - 1][position] == row["value"], row
    whole_files = {(row["file_name"], row["rule_kind"]) for row in quarantine if not row["source_row"]}
    assert whole_files == {("events/event_log_export.csv", "empty_file"), ("misc/minutes.csv", "not_recognised")}


def test_the_second_wave_has_an_unknown_answer_an_impossible_date_and_an_unknown_organisation(
    home: Path, quarantine: list[dict[str, str]]
) -> None:
    second = {r["rule_kind"]: r["value"] for r in quarantine if r["file_name"].endswith("wave 2.xlsx")}
    assert second["unknown_answer"] == "Somewhat"
    assert second["not_a_date"] == "31/02/2024 10:00:00"
    assert second["unknown_organisation"] not in sectors_by_name(home)
    assert len(second) == 3


def test_survey_headers_are_the_instruments_wordings_with_fixed_spaces_and_line_breaks(home: Path) -> None:
    wordings = load_instruments()["workforce"].items_by_wording
    for wave in (1, 2, 3):
        header = table(home / "inbox" / f"workforce survey/Workforce survey wave {wave}.xlsx")[0]
        assert header[:5] == ["ID", "Start time", "Completion time", "Email", "Name"]
        items = [wordings[normalise_wording(cell)][0].item_id for cell in header[7:]]
        assert items == [f"wf{n:02d}" for n in range(1, 24)]
        assert any("\u00a0" in cell for cell in header)
        assert any("\n" in cell for cell in header)


def test_survey_dates_are_true_dates_and_respondents_anonymous(home: Path) -> None:
    sheet = fastexcel.read_excel(home / "inbox" / FIRST_WAVE_3).load_sheet(0)
    kinds = {column.name: column.dtype for column in sheet.available_columns()}
    assert kinds["Start time"] == kinds["Completion time"] == "datetime"
    rows = good_rows(home, FIRST_WAVE_3)
    assert {row["Email"] for row in rows} == {"anonymous"}
    assert {row["Name"] for row in rows} == {""}


def test_the_corrected_third_wave_arrives_later_changes_answers_and_adds_responses(home: Path) -> None:
    paths = [home / "inbox" / FIRST_WAVE_3, home / "inbox" / CORRECTED]
    first, corrected = (table(path) for path in paths)
    assert paths[0].stat().st_mtime < paths[1].stat().st_mtime
    assert (len(first), len(corrected)) == (601, 631)
    changed = [row for row, before in zip(corrected, first, strict=False) if row != before]
    assert 10 < len(changed) < 50


def test_files_arrive_in_the_order_of_their_periods_and_before_the_sample_ends(home: Path) -> None:
    registers = [path.stat().st_mtime for path in sorted((home / "inbox" / "organisations").iterdir())]
    assert all(earlier < later for earlier, later in pairwise(registers))
    arrivals = [path.stat().st_mtime for path in (home / "inbox").rglob("*") if path.is_file()]
    assert datetime.fromtimestamp(min(arrivals), UTC) == datetime(2022, 10, 6, 9, 0, tzinfo=UTC)
    assert datetime.fromtimestamp(max(arrivals), UTC) == datetime(2025, 11, 20, 9, 40, tzinfo=UTC)


def test_no_file_reports_the_same_booking_twice(home: Path) -> None:
    for path in (home / "inbox" / "training").iterdir():
        keys = Counter((row[0], row[2], row[5]) for row in table(path)[1:])
        assert max(keys.values()) == 1, path.name


def test_a_later_extract_reports_bookings_again_with_another_status(home: Path) -> None:
    changes: Counter[tuple[str, str]] = Counter()
    before: dict[tuple[str, ...], str] = {}
    for path in sorted((home / "inbox" / "training").iterdir(), key=lambda p: p.stat().st_mtime):
        for row in table(path)[1:]:
            booking = (row[0], row[2], plain_date(row[5]))
            if before.get(booking, row[6]) != row[6]:
                changes[before[booking], row[6]] += 1
            before[booking] = row[6]
    assert changes["Booked", "Completed"] > 50
    assert changes["Attended", "Completed"] > 5


def plain_date(text: str) -> str:
    """An ISO date, whichever of the two forms it was written in; an impossible one stays as it is."""
    day, _, rest = text.partition("/")
    month, _, year = rest.partition("/")
    return f"{year}-{month}-{day}" if rest else text


def test_events_of_the_truth_are_those_of_the_log(home: Path, planted: dict[tuple[str, ...], tuple[str, str]]) -> None:
    held: Counter[str] = Counter()
    attended: Counter[str] = Counter()
    for row in good_rows(home, "events/event_log.csv"):
        month = plain_date(row["Date"])[:7]
        held[month] += 1
        attended[month] += int(row["Attendance"])
    for indicator_id, counted in (("events_held", held), ("event_attendances", attended)):
        truth = {key[-1]: n for key, (n, _) in planted.items() if key[:6] == area(indicator_id, "events", "")[:6]}
        assert truth == {month: str(number) for month, number in counted.items()}
    autumn = sum(held[month] for month in held if month.endswith(("-10", "-11")))
    assert autumn > 0
    assert not any(month.endswith("-08") for month in held)


def test_agreement_of_the_truth_is_that_of_the_corrected_third_wave(
    home: Path, planted: dict[tuple[str, ...], tuple[str, str]]
) -> None:
    places = sectors_by_name(home)
    agreed: Counter[tuple[str, str]] = Counter()
    answered: Counter[tuple[str, str]] = Counter()
    rows = good_rows(home, CORRECTED)
    column = next(header for header in rows[0] if normalise_wording(header).startswith("i have the knowledge"))
    organisation = next(header for header in rows[0] if header.startswith("Which organisation"))
    for row in rows:
        answer = row[column]
        if answer in ("", "Prefer not to say"):
            continue
        role = {"Prefer not to say": "not_said", "Practitioner": "practitioner"}.get(row[list(row)[6]], "other")
        for cut in (("area", ""), ("organisation", places[row[organisation]][0]), ("role", role)):
            answered[cut] += 1
            agreed[cut] += answer in ("Agree", "Strongly agree")

    period = "workforce wave 3"
    total = planted[area("wf03", "workforce_survey", period)]
    assert total == (str(agreed["area", ""]), str(answered["area", ""]))
    truth = {key: value for key, value in planted.items() if key[0] == "wf03" and key[-1] == period}
    organisations = {key[3]: value for key, value in truth.items() if key[3] != "total"}
    assert organisations == {
        cut[1]: (str(agreed[cut]), str(number)) for cut, number in answered.items() if cut[0] == "organisation"
    }
    for role in ("not_said", "practitioner"):
        assert truth["wf03", "workforce_survey", "total", "total", "role", role, period] == (
            str(agreed["role", role]),
            str(answered["role", role]),
        )


def test_agreement_rises_from_wave_to_wave(planted: dict[tuple[str, ...], tuple[str, str]]) -> None:
    shares = [
        sum(int(planted[area(f"wf{n:02d}", "workforce_survey", f"workforce wave {wave}")][0]) for n in range(1, 24))
        / sum(int(planted[area(f"wf{n:02d}", "workforce_survey", f"workforce wave {wave}")][1]) for n in range(1, 24))
        for wave in (1, 2, 3)
    ]
    assert shares[0] + 0.03 < shares[1] < shares[2] - 0.03


def test_attendances_of_the_truth_are_those_of_the_latest_reports(
    home: Path, planted: dict[tuple[str, ...], tuple[str, str]]
) -> None:
    in_force: dict[tuple[str, str, str], list[str]] = {}
    for path in sorted((home / "inbox" / "training").iterdir(), key=lambda p: p.stat().st_mtime):
        for row in good_rows(home, f"training/{path.name}"):
            cells = list(row.values())
            in_force[cells[0], cells[2], plain_date(cells[5])] = cells
    attended = Counter(k[2][:7] for k, cells in in_force.items() if cells[6] in ("Attended", "Completed"))
    of_the_area = area("training_attendances", "training_bookings", "")[:6]
    truth = {key[-1]: number for key, (number, _) in planted.items() if key[:6] == of_the_area}
    assert truth == {month: str(number) for month, number in attended.items()}


def test_the_share_out_of_area_is_that_of_the_returns_and_falls(
    home: Path, planted: dict[tuple[str, ...], tuple[str, str]]
) -> None:
    directory = {row["postcode_key"]: row for row in dicts(home / "reference" / "postcodes.csv")}
    shares = []
    for year in (2023, 2024, 2025):
        period = f"{year - 1}/{year % 100}"
        stock: dict[str, tuple[str, dict[str, str]]] = {}
        begun = []
        for row in good_rows(home, f"ssda903/{year - 1}-{year % 100}/episodes.csv"):
            started, ceased = plain_date(row["DECOM"]), plain_date(row["DEC"])
            if row["LS"] in ("V3", "V4"):
                continue
            if not ceased or ceased > f"{year}-03-31":
                stock[row["CHILD"]] = max(stock.get(row["CHILD"], ("", row)), (started, row), key=lambda s: s[0])
            if started >= f"{year - 1}-04-01" and row["RNE"] != "L":
                begun.append(row)
        children = [row for _, row in stock.values()]
        counted = {
            "placed_out_of_area": (sum(outside(row, directory) for row in children), len(children)),
            "placed_out_of_area_far": (sum(outside(row, directory, 20) for row in children), len(children)),
            "placement_location_not_known": (sum(r["PL_POST"] not in directory for r in children), len(children)),
            "new_placements_out_of_area": (sum(outside(row, directory) for row in begun), len(begun)),
        }
        for indicator_id, (numerator, denominator) in counted.items():
            truth = planted[area(indicator_id, "ssda903_episodes", period)]
            assert truth == (str(numerator), str(denominator)), (indicator_id, period)
        shares.append(counted["placed_out_of_area"][0] / len(children))
        published = planted[area("new_placements_out_of_area", "dfe_new_placements", period)]
        assert abs(int(published[1]) - len(begun)) <= 10
    assert shares[0] > shares[2] + 0.02


def outside(row: dict[str, str], directory: dict[str, dict[str, str]], beyond_miles: float = -1) -> bool:
    """Whether the placement is known to be outside the borough and, where asked, known to be further than that."""
    placed, lives = directory.get(row["PL_POST"]), directory.get(row["HOME_POST"])
    if placed is None or placed["district_code"] == "E08999001":
        return False
    if beyond_miles < 0:
        return True
    if lives is None:
        return False
    east, north = (int(placed[axis]) - int(lives[axis]) for axis in ("easting", "northing"))
    miles = (east**2 + north**2) ** 0.5 / 1000 / 1.6093
    return int(miles * 10 + 0.5) / 10 > beyond_miles


def test_returns_continue_episodes_under_the_same_number_and_use_the_codes_of_their_year(home: Path) -> None:
    returns = {year: dicts(home / f"inbox/ssda903/{year - 1}-{year % 100}/episodes.csv") for year in (2024, 2025)}
    earlier = {(row["CHILD"], row["DECOM"]) for row in returns[2024] if not row["DEC"]}
    assert len(earlier & {(row["CHILD"], row["DECOM"]) for row in returns[2025]}) > 200
    assert {"V3", "V4", "C1", "C2"} <= {row["LS"] for row in returns[2025]}
    assert {"S", "P", "L", "T", "B"} <= {row["RNE"] for row in returns[2025]}
    assert "K3" in {row["PLACE"] for row in returns[2025]} - {row["PLACE"] for row in returns[2024]}
    sexes = [{row["SEX"] for row in good_rows(home, f"ssda903/{year}/header.csv")} for year in ("2023-24", "2024-25")]
    assert sexes == [{"1", "2"}, {"M", "F"}]
    children = {row["CHILD"] for row in dicts(home / "inbox/ssda903/2024-25/header.csv")}
    assert children == {row["CHILD"] for row in returns[2025]}


def test_published_rates_are_counts_over_pupils_and_the_homes_latest_years_are_whole(
    home: Path, planted: dict[tuple[str, ...], tuple[str, str]]
) -> None:
    rows = dicts(home / "inbox/published/exclusions_by_geographic_level.csv")
    symbols = Counter(row["perm_excl"] for row in rows if not row["perm_excl"].isdigit())
    assert symbols.keys() == {"x"}
    for row in rows:
        if row["geographic_level"] != "Local authority":
            assert int(row["perm_excl"]) % 5 == int(row["headcount"]) % 5 == 0
            continue
        if row["headcount"] == "0":
            assert row["fixed_excl_rate"] == "."
            continue
        if row["fixed_excl"].isdigit():
            hundredths = (int(row["fixed_excl"]) * 20000 + int(row["headcount"])) // (2 * int(row["headcount"]))
            assert float(row["fixed_excl_rate"]) == hundredths / 100
    own = [row for row in rows if row["new_la_code"] == "E08999001"]
    assert not [row for row in own if row["time_period"] >= "202021" and "x" in row.values()]
    last = next(row for row in own if row["time_period"] == "202324" and row["school_type"] == "Total")
    assert planted[area("suspension_rate", "dfe_exclusions", "2023/24")] == (last["fixed_excl"], last["headcount"])
    assert planted[area("pupils_suspended", "dfe_exclusions", "2023/24")][0] == last["one_plus_fixed"]
    assert planted[area("permanent_exclusion_rate", "dfe_exclusions", "2023/24")][0] == last["perm_excl"]


def test_no_block_of_published_placements_has_exactly_one_hidden_cell(home: Path) -> None:
    hidden: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    symbols: set[str] = set()
    for row in dicts(home / "inbox/published/la_cla_during_year_new_placements.csv"):
        symbols |= {cell for cell in (row["children_count"], row["children_percent"]) if not cell.isdigit()}
        if row["geographic_level"] == "Local authority":
            block = (row["time_period"], row["new_la_code"], row["characteristic"])
            hidden[block] += row["children_count"] == "c"
            assert (row["children_count"] == "c") == (row["children_percent"] == "c")
    assert symbols == {"c", "z", "k"}
    assert 1 not in hidden.values()
    assert max(hidden.values()) >= 2
    location = "Location of new placements during the year"
    assert [hidden[year, "E08999001", location] for year in ("2024", "2025")] == [0, 0]


def test_responses_come_from_within_each_wave(home: Path) -> None:
    for wave, year in ((1, 2023), (2, 2024), (3, 2025)):
        days = {
            date.fromisoformat(row["Completion time"][:10])
            for row in good_rows(home, f"workforce survey/Workforce survey wave {wave}.xlsx")
        }
        assert min(days) >= date(year, 9, 1)
        assert max(days) - min(days) <= timedelta(days=45)
