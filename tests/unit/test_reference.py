"""Reference data: what ships, what a home adds, what lands."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.home import Home, HomeError, open_home
from ingestion.reference import tables
from ingestion.reference.derive import DeriveError, derive, derive_authorities
from ingestion.reference.layout import ReferenceDataError
from ingestion.reference.tables import (
    SHIPPED,
    authority_region,
    load_tables,
    prepare_reference,
    reference_fingerprint,
)

MakeHome = Callable[..., Home]


@pytest.fixture
def make_home(tmp_path: Path) -> MakeHome:
    """A home in its own folder, with the overlay files given as name → text."""

    def make(authority: str = "E08000005", folder: str = "home", **overlay: str) -> Home:
        root = tmp_path / folder
        (root / "reference").mkdir(parents=True)
        (root / "impact.yml").write_text(f"authority: {authority}\n", encoding="utf-8")
        for name, text in overlay.items():
            (root / "reference" / f"{name}.csv").write_text(text, encoding="utf-8")
        return open_home(root)

    return make


INVENTED = {
    "countries": "country_code,country_name\nX92000001,Invented country\n",
    "regions": "region_code,region_name,country_code\nX12000001,Invented region,X92000001\n",
    "authorities": (
        "area_code,area_name,area_type,old_la_code,region_code,valid_from,valid_to\n"
        "X08000001,Millbrook,local_authority,991,X12000001,2009-04-01,\n"
        "X08000002,Ashford Vale,,,X12000001,,\n"
    ),
    "statistical_neighbours": (
        "model_version,area_code,neighbour_area_code,rank,closeness\n2025,X08000001,X08000002,1,Very close\n"
    ),
    "postcodes": "postcode_key,easting,northing,district_code,grid\nZZ1 1AA,400000,400000,X08000001,GB\n",
}


class DiesAtOne:
    """A Parquet writer whose process is killed before it writes one of the files."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def write_table(self, table: pa.Table, path: Path, **options: str) -> None:
        if self.at.name in path.name:
            raise KeyboardInterrupt
        pq.write_table(table, path, **options)


def landed(home: Home, table: str, columns: str = "*", where: str = "true") -> list[tuple[object, ...]]:
    path = home.landing / f"{table}.parquet"
    return duckdb.execute(f"select {columns} from '{path}' where {where} order by all").fetchall()


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]


def test_rochdale_lands_with_both_codes_and_its_region(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    assert landed(home, "reference/authorities", where="area_code = 'E08000005'") == [
        ("E08000005", "Rochdale", "local_authority", "354", "E12000002", date(2009, 1, 1), None, False)
    ]
    assert landed(home, "home/settings") == [("E08000005",)]
    assert authority_region(home) == "E12000002"


def test_every_landed_table_has_the_columns_that_the_warehouse_reads(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    columns = {
        path.stem: ", ".join(
            f"{name} {kind}" for name, kind, *_ in duckdb.execute(f"describe select * from '{path}'").fetchall()
        )
        for path in home.reference.glob("*.parquet")
    }
    assert columns == {
        "countries": "country_code VARCHAR, country_name VARCHAR",
        "regions": "region_code VARCHAR, region_name VARCHAR, country_code VARCHAR, parent_region_code VARCHAR",
        "authorities": (
            "area_code VARCHAR, area_name VARCHAR, area_type VARCHAR, old_la_code VARCHAR, region_code VARCHAR, "
            "valid_from DATE, valid_to DATE, is_invented BOOLEAN"
        ),
        "statistical_neighbours": (
            "model_version VARCHAR, area_code VARCHAR, neighbour_area_code VARCHAR, rank BIGINT, closeness VARCHAR"
        ),
        "district_authorities": (
            "district_code VARCHAR, district_name VARCHAR, authority_code VARCHAR, authority_name VARCHAR"
        ),
        "sectors": "sector_code VARCHAR, sector_name VARCHAR, sector_order BIGINT",
        "period_types": "period_type VARCHAR, name VARCHAR, start_month BIGINT, months BIGINT",
    }


def test_england_has_153_authorities_in_force_in_nine_regions(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    in_force = landed(home, "reference/authorities", "region_code, count(*)", "valid_to is null group by region_code")
    assert in_force == [
        ("E12000001", 12),
        ("E12000002", 24),
        ("E12000003", 15),
        ("E12000004", 10),
        ("E12000005", 14),
        ("E12000006", 11),
        ("E12000007", 33),
        ("E12000008", 19),
        ("E12000009", 15),
    ]


def test_inner_and_outer_london_are_regions_within_london(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    assert landed(home, "reference/regions", "region_code, region_name, parent_region_code", "region_code > 'E13'") == [
        ("E13000001", "Inner London", "E12000007"),
        ("E13000002", "Outer London", "E12000007"),
    ]
    assert landed(home, "reference/regions", "count(*)", "parent_region_code is null") == [(9,)]


def test_a_county_published_without_a_nine_character_code_is_known_by_its_old_one(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    assert landed(home, "reference/authorities", "area_code, area_name, valid_to", "old_la_code = '875'") == [
        ("DFE875", "Cheshire", date(2009, 3, 31)),
        ("E10000004", "Cheshire", date(2009, 3, 31)),
    ]


def test_an_authority_that_has_ended_keeps_its_dates_beside_its_successor(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    assert landed(home, "reference/authorities", "area_code, valid_from, valid_to", "old_la_code = '815'") == [
        ("E06000065", date(2023, 4, 1), None),
        ("E10000023", date(2009, 1, 1), date(2023, 3, 31)),
    ]


def test_every_authority_in_force_has_ten_ranked_neighbours_in_force(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    folder = home.reference
    odd = duckdb.execute(
        f"""
        with live as (select area_code from '{folder}/authorities.parquet' where valid_to is null),
        neighbours as (
            select * from '{folder}/statistical_neighbours.parquet'
            where neighbour_area_code in (select area_code from live) and model_version = '2025'
        )
        select live.area_code from live left join neighbours using (area_code) group by 1
        having list(rank order by rank) <> range(1, 11) or count(distinct neighbour_area_code) <> 10
        """
    ).fetchall()
    assert odd == []
    assert landed(home, "reference/statistical_neighbours", "distinct closeness") == [
        ("Close",),
        ("Extremely close",),
        ("Not close",),
        ("Somewhat close",),
        ("Very close",),
    ]


@pytest.mark.parametrize(
    ("district", "authority"),
    [
        ("E07000123", ("Preston", "E10000017", "Lancashire")),
        ("E07000106", ("Canterbury", "E10000016", "Kent")),
        ("E08000005", ("Rochdale", "E08000005", "Rochdale")),
        ("E06000063", ("Cumberland", "E06000063", "Cumberland")),
        # Ended in 2023: by the boundaries of 2021.
        ("E07000026", ("Allerdale", "E10000006", "Cumbria")),
        ("W06000015", ("Cardiff", "W06000015", "Cardiff")),
    ],
)
def test_a_district_belongs_to_its_upper_tier_authority(
    make_home: MakeHome, district: str, authority: tuple[str, str, str]
) -> None:
    home = make_home()
    prepare_reference(home)
    columns = "district_name, authority_code, authority_name"
    assert landed(home, "reference/district_authorities", columns, f"district_code = '{district}'") == [authority]


def test_every_district_of_england_belongs_to_an_authority_that_is_known() -> None:
    loaded = load_tables(None)
    known = {row.values["area_code"] for row in loaded["authorities"]}
    districts = [row.values for row in loaded["district_authorities"] if row.values["district_code"].startswith("E")]
    assert len(districts) > 300
    assert [row for row in districts if row["authority_code"] not in known] == []


def test_preparing_twice_writes_nothing_the_second_time(make_home: MakeHome) -> None:
    home = make_home(**INVENTED)
    prepare_reference(home)
    files = sorted(path for path in home.landing.rglob("*") if path.is_file())
    before = [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in files]
    prepare_reference(home)
    assert len(files) == 9
    assert [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in files] == before


def test_two_homes_with_the_same_settings_land_the_same_bytes(make_home: MakeHome) -> None:
    first, second = make_home(folder="first", **INVENTED), make_home(folder="second", **INVENTED)
    prepare_reference(first)
    prepare_reference(second)
    assert reference_fingerprint(first) == reference_fingerprint(second)
    for path in first.landing.rglob("*.parquet"):
        assert (second.landing / path.relative_to(first.landing)).read_bytes() == path.read_bytes()


def test_what_a_killed_run_left_half_done_is_done_by_the_next(make_home: MakeHome) -> None:
    home = make_home()
    prepare_reference(home)
    whole = {path.name: path.read_bytes() for path in home.landing.rglob("*.parquet")}
    (home.reference / "fingerprint.txt").unlink()
    (home.reference / "regions.parquet").write_bytes(b"")
    prepare_reference(home)
    assert {path.name: path.read_bytes() for path in home.landing.rglob("*.parquet")} == whole
    (home.reference / "regions.parquet").unlink()
    prepare_reference(home)
    assert {path.name: path.read_bytes() for path in home.landing.rglob("*.parquet")} == whole


def test_a_run_killed_between_two_tables_leaves_nothing_that_the_next_takes_for_whole(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home()
    prepare_reference(home)
    overlay = home.reference_overlay / "regions.csv"
    overlay.write_text(INVENTED["regions"].replace("X92000001", "E92000001"), encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(tables, "pq", DiesAtOne(at=home.reference / "statistical_neighbours.parquet"))
        with pytest.raises(KeyboardInterrupt):
            prepare_reference(home)
    assert landed(home, "reference/regions", "count(*)") == [(12,)]
    # The overlay goes again: what was landed before the run that was killed is asked for, and is not what lies there.
    overlay.unlink()
    prepare_reference(home)
    assert landed(home, "reference/regions", "count(*)") == [(11,)]


def test_an_overlay_that_is_taken_away_again_lands_anew(make_home: MakeHome) -> None:
    home = make_home(**INVENTED)
    prepare_reference(home)
    assert landed(home, "reference/statistical_neighbours", "count(*)", "area_code like 'X%'") == [(1,)]
    (home.reference_overlay / "statistical_neighbours.csv").unlink()
    prepare_reference(home)
    assert landed(home, "reference/statistical_neighbours", "count(*)", "area_code like 'X%'") == [(0,)]


def test_another_authority_in_the_settings_lands_anew(make_home: MakeHome) -> None:
    home = make_home(**INVENTED)
    prepare_reference(home)
    (home.root / "impact.yml").write_text("authority: X08000001\n", encoding="utf-8")
    prepare_reference(open_home(home.root))
    assert landed(home, "home/settings") == [("X08000001",)]


def test_the_fingerprint_follows_the_homes_postcodes_although_they_do_not_land(make_home: MakeHome) -> None:
    home = make_home(**INVENTED)
    before = reference_fingerprint(home)
    assert reference_fingerprint(home) == before
    (home.reference_overlay / "postcodes.csv").unlink()
    assert reference_fingerprint(home) != before


def test_an_invented_borough_lands_beside_the_real_ones_and_is_marked(make_home: MakeHome) -> None:
    home = make_home("X08000001", **INVENTED)
    prepare_reference(home)
    assert authority_region(home) == "X12000001"
    assert landed(home, "reference/authorities", where="is_invented") == [
        ("X08000001", "Millbrook", "local_authority", "991", "X12000001", date(2009, 4, 1), None, True),
        ("X08000002", "Ashford Vale", "local_authority", None, "X12000001", None, None, True),
    ]
    assert landed(home, "reference/regions", where="region_code like 'X%'") == [
        ("X12000001", "Invented region", "X92000001", None)
    ]
    assert landed(home, "reference/statistical_neighbours", where="area_code like 'X%'") == [
        ("2025", "X08000001", "X08000002", 1, "Very close")
    ]
    assert landed(home, "reference/district_authorities", "authority_code", "district_code like 'X%'") == [
        ("X08000001",),
        ("X08000002",),
    ]
    assert landed(home, "reference/authorities", "count(*)", "not is_invented") == [(174,)]


@pytest.mark.parametrize(
    ("table", "text", "says"),
    [
        (
            "authorities",
            "area_code,area_name\nX08000001,Millbrook\n",
            "reference/authorities.csv, row 1, column region_code: it is missing. Add it",
        ),
        (
            "authorities",
            "area_code,area_name,region\nX08000001,Millbrook,X12000001\n",
            "reference/authorities.csv, row 1, column region: authorities has no such column. Its columns are",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nX08000001,Millbrook,E12000002\nX08000003,Elm,X12000009\n",
            "reference/authorities.csv, row 3, column region_code: X12000009 is not in regions. Correct it, or add it "
            "to reference/regions.csv of the home.",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nX08000001,Millbrook,E12000002\nX08000001,Elm,E12000002\n",
            "reference/authorities.csv, row 3, column area_code: X08000001 stands already in "
            "reference/authorities.csv, row 2. Take one of the two out",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nE08000005,Rochdale,E12000002\n",
            "reference/authorities.csv, row 2, column area_code: E08000005 stands already in "
            "ingestion/reference/authorities.csv, row ",
        ),
        (
            "authorities",
            "area_code,area_name,region_code,valid_from\nX08000001,Millbrook,E12000002,1/4/2009\n",
            "row 2, column valid_from: “1/4/2009” is not a date like 2023-04-01",
        ),
        (
            "authorities",
            "area_code,area_name,region_code,valid_from,valid_to\nX08000001,M,E12000002,2020-04-01,2019-04-01\n",
            "row 2, column valid_to: 2019-04-01 is before valid_from, 2020-04-01",
        ),
        (
            "authorities",
            "area_code,area_name,region_code,is_invented\nX08000001,Millbrook,E12000002,false\n",
            "row 2, column is_invented: an authority that a home adds counts as invented",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nX1,Millbrook,E12000002\n",
            "row 2, column area_code: “X1” is not a letter and eight digits, such as E08000005",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nX08000001,,E12000002\n",
            "row 2, column area_name: it is empty. Fill it.",
        ),
        (
            "authorities",
            "area_code,area_name,region_code\nX08000001,Hull, City of,E12000002\n",
            "row 2: it has 4 cells and the header has 3. Put a value with a comma in it between double quotes.",
        ),
        (
            "statistical_neighbours",
            "model_version,area_code,neighbour_area_code,rank\n2030,E08000005,E08000005,1\n",
            "row 2, column neighbour_area_code: no authority is its own neighbour",
        ),
        (
            "statistical_neighbours",
            "model_version,area_code,neighbour_area_code,rank\n2025,E08000005,E08000001,1\n",
            "column model_version and area_code and rank: 2025, E08000005, 1 stands already in",
        ),
        (
            "statistical_neighbours",
            "model_version,area_code,neighbour_area_code,rank\n2030,E08000005,E08000001,first\n",
            "row 2, column rank: “first” is not a whole number, such as 3",
        ),
        (
            "statistical_neighbours",
            "model_version,area_code,neighbour_area_code,rank\n2030,E08000005,E08000001,0\n",
            "row 2, column rank: 0 is below 1",
        ),
        (
            "postcodes",
            "postcode_key,district_code\nROCHDALE,E08000005\n",
            "row 2, column postcode_key: “ROCHDALE” is not a postcode, such as OL16 1XL",
        ),
        (
            "postcodes",
            "postcode_key,easting,northing,district_code\nZZ1 1AA,400000,,E08000005\n",
            "row 2, column northing: it is empty and the other coordinate is not",
        ),
        (
            "postcodes",
            "postcode_key,district_code\nZZ1 1AA,E08000005\n\nzz11aa,E08000005\n",
            "reference/postcodes.csv, row 4, column postcode_key: ZZ11AA stands already in "
            "reference/postcodes.csv, row 2",
        ),
        (
            "postcodes",
            "postcode_key,district_code,grid\nZZ1 1AA,E08000005,UTM\n",
            "row 2, column grid: “UTM” is not one of GB, IE",
        ),
        (
            "neighbours",
            "area_code\nE08000005\n",
            "reference/neighbours.csv: a home cannot add to this table. The files it may have are countries.csv, ",
        ),
    ],
)
def test_an_overlay_that_does_not_fit_is_refused_with_its_place_and_a_remedy(
    make_home: MakeHome, table: str, text: str, says: str
) -> None:
    home = make_home(**{table: text})
    with pytest.raises(ReferenceDataError, match=re.escape(says)):
        prepare_reference(home)
    assert not home.landing.exists()


def test_an_overlay_that_is_not_utf8_is_refused(make_home: MakeHome) -> None:
    home = make_home()
    (home.reference_overlay / "regions.csv").write_bytes(
        "region_code,region_name,country_code\nX12000001,Köln,E92000001\n".encode("latin-1")
    )
    with pytest.raises(ReferenceDataError, match=r"reference/regions\.csv is not UTF-8 text: save it as “CSV UTF-8”"):
        prepare_reference(home)


def test_an_overlay_saved_by_a_spreadsheet_with_a_byte_order_mark_is_read(make_home: MakeHome) -> None:
    home = make_home()
    text = "region_name,region_code,country_code\r\nÉlan,X12000001,E92000001\r\n"
    (home.reference_overlay / "regions.csv").write_bytes(text.encode("utf-8-sig"))
    prepare_reference(home)
    assert landed(home, "reference/regions", where="region_code = 'X12000001'") == [
        ("X12000001", "Élan", "E92000001", None)
    ]


@pytest.mark.parametrize(
    ("authority", "says"),
    [
        (
            "E08000055",
            "impact.yml: authority E08000055 is not known. The nearest codes are E06000055 (Bedford), E08000005",
        ),
        (
            "E07000123",
            "impact.yml: authority E07000123 is not known. It is the district Preston; write its authority, "
            "E10000017 (Lancashire).",
        ),
        (
            "E08000016",
            "impact.yml: authority E08000016 (Barnsley) ended on 30/04/2025. Write E08000038 (Barnsley).",
        ),
        (
            "E10000006",
            "impact.yml: authority E10000006 (Cumbria) ended on 31/03/2023. Write the code of the authority that "
            "followed it.",
        ),
    ],
)
def test_an_authority_that_cannot_be_the_homes_is_refused_with_what_to_write_instead(
    make_home: MakeHome, authority: str, says: str
) -> None:
    home = make_home(authority)
    with pytest.raises(HomeError, match=re.escape(says)):
        prepare_reference(home)
    assert not home.landing.exists()


def test_deriving_refuses_lists_that_do_not_agree() -> None:
    la = {
        "new_la_code": "E08000005",
        "la_name": "Rochdale",
        "date_of_operation": "01/01/2009",
        "date_of_termination": "",
        "parent_geography_code": "E12000002",
        "old_la_code": "354",
    }
    with pytest.raises(DeriveError, match="do not agree about E08000005"):
        derive_authorities([la], [{"new_la_code": "E08000005", "region_code": "E12000001"}])


@pytest.mark.shared_data
def test_what_ships_is_what_derives_from_the_departments_lists(shared: Path) -> None:
    derived = derive(shared / "data" / "reference", SHIPPED)
    assert {name: len(rows) for name, rows in derived.items()} == {
        "regions": 11,
        "authorities": 174,
        "statistical_neighbours": 1530,
    }
    for name, rows in derived.items():
        assert records(SHIPPED / f"{name}.csv") == rows


@pytest.mark.shared_data
def test_every_live_authority_and_region_of_the_departments_lists_agrees(shared: Path) -> None:
    loaded = load_tables(None)
    ours = {row.values["area_code"]: row.values for row in loaded["authorities"]}
    live = [
        la
        for la in records(shared / "data" / "reference" / "las.csv")
        if la["status"] == "live" and len(la["new_la_code"]) == 9
    ]
    assert len(live) == 153
    for la in live:
        mine = ours[la["new_la_code"]]
        assert (mine["area_name"], mine["old_la_code"], mine["region_code"], mine["valid_to"]) == (
            la["la_name"],
            la["old_la_code"],
            la["parent_geography_code"],
            None,
        )
    assert {row.values["region_code"]: row.values["region_name"] for row in loaded["regions"]} == {
        region["region_code"]: region["region_name"]
        for region in records(shared / "data" / "reference" / "regions.csv")
    }


@pytest.mark.shared_data
def test_the_ten_neighbours_of_rochdale_agree_with_the_departments_model(shared: Path) -> None:
    loaded = load_tables(None)
    old_codes = {row.values["area_code"]: row.values["old_la_code"] for row in loaded["authorities"]}
    ours = [
        (row.values["rank"], old_codes[row.values["neighbour_area_code"]], row.values["closeness"])
        for row in loaded["statistical_neighbours"]
        if row.values["area_code"] == "E08000005"
    ]
    (model,) = (
        row for row in records(shared / "data" / "reference" / "sn_model_2025_wide.csv") if row["la_name"] == "Rochdale"
    )
    assert ours == [(rank, model[f"SN_{rank}"], model[f"SN_{rank}P"]) for rank in range(1, 11)]
    assert ours[0] == (1, "335", "Very close")


@pytest.mark.shared_data
def test_every_area_of_the_published_files_is_known(shared: Path) -> None:
    loaded = load_tables(None)
    known = {
        row.values[column]
        for table, column in (
            ("countries", "country_code"),
            ("regions", "region_code"),
            ("authorities", "area_code"),
        )
        for row in loaded[table]
    }
    files = [
        shared / "data" / "dfe_exclusions" / "exclusions_by_geographic_level.csv",
        *sorted((shared / "data" / "dfe_looked_after").glob("*.csv")),
    ]
    areas = set()
    for path in files:
        for row in records(path):
            if row["geographic_level"] == "National":
                areas.add(row["country_code"])
            elif row["geographic_level"] == "Regional":
                areas.add(row["region_code"])
            else:
                areas.add(row["new_la_code"] or f"DFE{row['old_la_code']}")
    assert {"E92000001", "E12000002", "E13000001", "E08000005", "DFE875"} <= areas
    assert areas - known == set()
