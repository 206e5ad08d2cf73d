"""What readers may rely on: whole publications, one switch, old readers, nothing that changes without a reason."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow.parquet
import pytest
from filelock import FileLock

from expectations.file_rules import file_concerns
from expectations.results import CheckResult
from ingestion.contracts import load_contracts
from ingestion.home import Home, open_home
from publishing import folders
from publishing.content import RECORDS, REQUIRED_MARTS
from publishing.errors import PublicationError
from publishing.publication import Publication, current_publication, publish
from publishing.released import is_remembered, recall, remember
from tests.integration.builders import write

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = sorted([*REQUIRED_MARTS, *RECORDS])
UNSUPPRESSED = "numerator-of-three-children"

#: Whose matter a check is, for checks of which that is not the point.
WHY = {"owner": "analyst", "reason": "It matters.", "remedy": "Do this."}


def concern(rule: str) -> tuple[str, ...]:
    """Owner, reason and remedy that stand for a rule about files."""
    [found] = [entry for entry in file_concerns() if entry["rule_name"] == rule]
    return found["owner"], found["reason"], found["remedy"]


PASSED = CheckResult("marts", "indicator_values", "key_is_unique", "Every key occurs once.", "error", True, 3, 0, **WHY)
FAILED = CheckResult(
    "marts",
    "indicator_values",
    "rates_within_bounds",
    "A percentage is between 0 and 100.",
    "error",
    False,
    3,
    1,
    message="1 value is above 100; look at wf01.",
    **WHY,
)


def build_warehouse(path: Path, generation: int = 1) -> None:
    """A warehouse whose every mart carries one generation, with what must never leave it beside them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(path) as connection:
        connection.execute("begin; create schema marts; create schema indicators")
        connection.execute(
            "create table indicators.indicator_counts as "
            f"select '{UNSUPPRESSED}-' || range as area_code, 3 as numerator from range(2000)"
        )
        connection.execute(
            "create table indicators.released_counts as "
            f"select '{UNSUPPRESSED}' as indicator_id, {generation} as numerator, false as is_numerator_shown"
        )
        for name in REQUIRED_MARTS:
            connection.execute(
                f"create table marts.{name} as select 'id' || lpad(((range * 7) % 50)::varchar, 2, '0') as id, "
                f"{generation} as generation from range(50)"
            )
        connection.execute(
            f"""
            create or replace table marts.indicator_values as
            select * from (values
                ('wf01', 'Año "x"', date '2017-08-31', 1455::bigint, 4.16::double, 4.2::decimal(9, 1), true,
                    {generation}),
                ('suspension_rate', null, date '2025-03-31', null, null, null, false, {generation}),
                ('perm', 'b', null, 62, 0.18, 0.2, true, {generation})
            ) as t(indicator_id, area_name, period_end, numerator, value, rounded, is_latest, generation)
            """
        )
        connection.execute("comment on table marts.indicators is 'One row per indicator; the owner''s register.'")
        connection.execute("comment on column marts.indicators.id is 'Identifier that never changes.'")
        connection.execute("commit")


def accept_a_change(home: Home) -> None:
    write(
        home.decisions / "accepted_changes.csv",
        "change_id,rule,indicator_id,source_dataset,figures,summary,reason,decided_by,decided_date\n"
        '0123456789ab,nothing_moved,wf01,workforce_survey,7,7 move,"Sent twice, until now.",data lead,2025-11-02\n',
    )


def source_file(**values: object) -> dict[str, object]:
    """A row of the ledger's export."""
    row: dict[str, object] = {
        "dataset": "organisations",
        "file_name": "events/2025.csv",
        "vintage_id": "e1",
        "submission": "",
        "status": "landed",
        "gate": "passed",
        "rows_read": 10,
        "rows_landed": 8,
        "rows_quarantined": 2,
        "rows_dropped": 0,
        "rows_corrected": 0,
        "dropped_by_rule": "{}",
        "received_at": "2025-09-01 02:00:00",
        "landed_at": "2025-09-01 02:00:05",
        "sequence": 1,
        "is_current": True,
        "contract_version": 1,
        "message": None,
        "retired_at": None,
    }
    return row | values


def finding(**values: object) -> dict[str, object]:
    """A row of the union of quarantine files."""
    row: dict[str, object] = {
        "dataset": "organisations",
        "file_name": "events/2025.csv",
        "vintage_id": "e1",
        "sheet": None,
        "source_row": 4,
        "column_name": "held_on",
        "rule": "date",
        "value": "31/02/2025-offending",
        "message": '"31/02/2025-offending" is not a date.',
        "remedy": "Write dates as 2025-02-28.",
        "severity": "error",
    }
    return row | values


LEDGER_TYPES = {
    "rows_read": "BIGINT",
    "rows_landed": "BIGINT",
    "rows_quarantined": "BIGINT",
    "rows_dropped": "BIGINT",
    "rows_corrected": "BIGINT",
    "received_at": "TIMESTAMP",
    "landed_at": "TIMESTAMP",
    "retired_at": "TIMESTAMP",
    "sequence": "BIGINT",
    "is_current": "BOOLEAN",
    "contract_version": "BIGINT",
    "source_row": "BIGINT",
}


def write_ledger(home: Home, files: list[dict[str, object]], findings: list[dict[str, object]]) -> None:
    """The two exports of the ledger, with their types even where there is no row."""
    home.landing.mkdir(exist_ok=True)
    for name, rows, example in (("source_files", files, source_file()), ("findings", findings, finding())):
        types = json.dumps([{column: LEDGER_TYPES.get(column, "VARCHAR") for column in example}])
        with duckdb.connect() as connection:
            connection.execute(
                "create table t as select unnest(from_json(?::json, ?), recursive := true)", [json.dumps(rows), types]
            )
            connection.execute(f"copy t to '{home.landing / name}.parquet' (format parquet)")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a built warehouse and an exported ledger, in which nothing has been published."""
    (tmp_path / "impact.yml").write_text("authority: E08000005\nkeep_publications: 3\n")
    home = open_home(tmp_path)
    build_warehouse(home.warehouse)
    write_ledger(home, [source_file()], [finding()])
    return home


def keeping(home: Home, count: int) -> Home:
    """The same home with another number of publications kept."""
    (home.root / "impact.yml").write_text(f"authority: E08000005\nkeep_publications: {count}\n")
    return open_home(home.root)


def publish_generation(home: Home, generation: int) -> Publication:
    """Publish marts of one generation."""
    build_warehouse(home.warehouse, generation)
    return publish(home, [PASSED])


def read(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the publication in a folder."""
    with duckdb.connect(folder.resolve() / "impact.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def generation_in_force(home: Home) -> int:
    """The generation that ``published`` shows, after proving that it is one whole publication."""
    folder = home.published.resolve(strict=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["publication_id"] == folder.name
    assert sorted(manifest["tables"]) == TABLES
    for table, published in manifest["tables"].items():
        parquet = folder / "parquet" / f"{table}.parquet"
        assert hashlib.sha256(parquet.read_bytes()).hexdigest() == published["sha256"]
    found = read(folder, " union ".join(f"select generation from {name}" for name in REQUIRED_MARTS))
    assert len(found) == 1
    return int(str(found[0][0]))


def everything_under(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time of change and bytes, links by what they name."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mtime_ns,
            os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def names_in(folder: Path) -> set[str]:
    """Names of what lies in a folder, hidden or not."""
    return {path.name for path in folder.iterdir()}


class TestContent:
    def test_every_mart_and_both_records_are_published_with_their_row_counts(self, home: Home) -> None:
        publication = publish(home, [PASSED])
        assert sorted(publication.tables) == TABLES
        assert publication.tables["indicators"] == 50
        assert publication.tables["indicator_values"] == 3
        assert publication.changed is True
        listed = "select table_name from duckdb_tables() where schema_name = 'main' order by all"
        assert [name for (name,) in read(home.published, listed)] == TABLES
        assert read(home.published, "select view_name from duckdb_views() where not internal") == []
        assert {path.stem for path in (home.published / "parquet").iterdir()} == set(TABLES)

    def test_rows_stand_in_the_order_of_the_key(self, home: Home) -> None:
        publish(home, [PASSED])
        assert [row[0] for row in read(home.published, "select id from areas")][:3] == ["id00", "id01", "id02"]
        assert [row[0] for row in read(home.published, "select indicator_id from indicator_values")] == [
            "perm",
            "suspension_rate",
            "wf01",
        ]

    def test_parquet_files_hold_the_same_rows_in_the_same_order_as_the_tables(self, home: Home) -> None:
        accept_a_change(home)
        folder = publish(home, [PASSED]).path
        for table in TABLES:
            from_database = read(folder, f"from {table}")
            assert from_database
            assert read(folder, f"from '{folder}/parquet/{table}.parquet'") == from_database
            types = read(folder, f"describe from '{folder}/parquet/{table}.parquet'")
            assert read(folder, f"describe {table}") == types
            assert pyarrow.parquet.read_table(folder / "parquet" / f"{table}.parquet").num_rows == len(from_database)

    def test_descriptions_of_tables_and_columns_go_with_them(self, home: Home) -> None:
        publish(home, [PASSED])
        tables = dict(read(home.published, "select table_name, comment from duckdb_tables()"))
        assert tables["indicators"] == "One row per indicator; the owner's register."
        assert tables["areas"] is None
        columns = dict(read(home.published, "select table_name || '.' || column_name, comment from duckdb_columns()"))
        assert columns["indicators.id"] == "Identifier that never changes."
        assert columns["indicators.generation"] is None
        for table in RECORDS:
            assert tables[table]
            assert all(comment for name, comment in columns.items() if str(name).startswith(f"{table}."))

    def test_what_was_accepted_is_published_with_who_and_why(self, home: Home) -> None:
        before = publish(home, [PASSED])
        assert read(home.published, "from accepted_changes") == []
        accept_a_change(home)
        after = publish(home, [PASSED])
        assert after.changed
        assert before.tables["accepted_changes"] == 0
        assert read(home.published, "select change_id, figures, reason, decided_by from accepted_changes") == [
            ("0123456789ab", 7, "Sent twice, until now.", "data lead")
        ]

    def test_versions_has_every_table_of_the_publication_and_every_contract(self, home: Home) -> None:
        publish(home, [PASSED])
        tables = read(home.published, "select distinct name from versions where kind = 'table' order by name")
        assert [name for (name,) in tables] == TABLES
        contracts = read(home.published, "select name, version from versions where kind = 'contract'")
        assert dict(contracts) == {name: contract.version for name, contract in load_contracts().items()}

    def test_source_files_holds_the_public_columns_of_the_ledger(self, home: Home) -> None:
        publish(home, [PASSED])
        columns = [row[0] for row in read(home.published, "describe source_files")]
        assert columns == [
            "dataset",
            "file_name",
            "vintage_id",
            "status",
            "contract_version",
            "rows_status",
            "rows_read",
            "rows_landed",
            "rows_quarantined",
            "rows_dropped",
            "rows_corrected",
            "received_at",
            "landed_at",
            "is_current",
            "message",
            "retired_at",
        ]
        assert read(home.published, "from source_files") == [
            (
                "organisations",
                "events/2025.csv",
                "e1",
                "landed",
                1,
                "ok",
                10,
                8,
                2,
                0,
                0,
                datetime(2025, 9, 1, 2, 0, 0),
                datetime(2025, 9, 1, 2, 0, 5),
                True,
                None,
                None,
            )
        ]

    def test_data_quality_holds_checks_and_one_row_per_rule_that_rows_broke(self, home: Home) -> None:
        warned = finding(source_row=None, rule="unknown_column", severity="warning")
        write_ledger(
            home,
            [source_file(), source_file(file_name="events/2024.csv", vintage_id="e2", rows_read=5, sequence=2)],
            # Row 4 breaks the rule in two columns, and is one row.
            [finding(), finding(column_name="ends_on"), finding(source_row=9), finding(vintage_id="e2"), warned],
        )
        advice = CheckResult(
            "landed",
            "organisations",
            "few_rows",
            "As many rows as last year.",
            "warning",
            False,
            8,
            8,
            "e1",
            "8, was 80.",
            **WHY,
        )
        publish(home, [PASSED, advice])
        assert read(home.published, "from data_quality") == [
            (
                "files",
                "organisations",
                "date",
                "Every row and file that arrives keeps the rule date.",
                "error",
                "failed",
                15,
                3,
                None,
                "3 rows of 2 files set aside in quarantine. `impact check` on the file says which rows and what to do.",
                *concern("any_row"),
            ),
            (
                "files",
                "organisations",
                "unknown_column",
                "Every row and file that arrives keeps the rule unknown_column.",
                "warning",
                "failed",
                15,
                1,
                None,
                "1 file used with a warning. `impact check` on the file says which rows and what to do.",
                *concern("unknown_column"),
            ),
            (
                "landed",
                "organisations",
                "few_rows",
                "As many rows as last year.",
                "warning",
                "failed",
                8,
                8,
                "e1",
                "8, was 80.",
                *WHY.values(),
            ),
            (
                "marts",
                "indicator_values",
                "key_is_unique",
                "Every key occurs once.",
                "error",
                "passed",
                3,
                0,
                None,
                None,
                *WHY.values(),
            ),
        ]

    def test_no_number_of_rows_says_how_few_people_a_file_is_about(self, home: Home) -> None:
        few = {"dataset": "training_bookings", "rows_read": 7, "rows_landed": 3, "rows_quarantined": 4}
        write_ledger(
            home,
            [
                source_file(dataset="training_bookings", file_name="many.csv"),
                source_file(file_name="few.csv", vintage_id="e2", sequence=2, message="4 of 7 rows are wrong.", **few),
            ],
            [finding(dataset="training_bookings"), finding(dataset="training_bookings", vintage_id="e2")],
        )

        def check(stage: str, dataset: str, rows: int, failed: int, message: str | None) -> CheckResult:
            return CheckResult(
                stage, dataset, "rule", "It holds.", "warning", False, rows, failed, None, message, **WHY
            )

        publish(
            home,
            [
                check("landed", "training_bookings", 11, 1, "1 found among 11 rows: 4 of 7 rows in quarantine. Ask."),
                check("landed", "training_bookings", 11, 2, "2 found among 11 rows: row 2; row 5. Ask."),
                check("models", "stg_training__bookings", 11, 0, None),
                check("models", "indicator_counts", 4, 2, "2 rows"),
                check("landed", "dfe_exclusions", 3, 2, "2 found among 3 rows: row 2; row 3. Ask."),
            ],
        )
        files = read(home.published, "select file_name, columns('rows_.*'), message from source_files order by 1 desc")
        assert files == [
            ("many.csv", "ok", 10, 8, 2, 0, 0, None),
            ("few.csv", "c", None, None, None, None, None, "too many rows are wrong."),
        ]
        found = read(
            home.published, "select dataset, rows_checked, rows_failed, message from data_quality order by all"
        )
        masked = "Found in 1 to 5 rows. `impact check` on the file says which and what to do."
        aside = "1 to 5 rows of 2 files set aside in quarantine."
        assert found == [
            ("dfe_exclusions", 3, 2, "2 found among 3 rows: row 2; row 3. Ask."),
            ("indicator_counts", 4, 2, "2 rows"),
            ("stg_training__bookings", None, 0, None),
            ("training_bookings", None, 1, "1 found: too many rows in quarantine. Ask."),
            ("training_bookings", None, None, f"{aside} `impact check` on the file says which rows and what to do."),
            ("training_bookings", None, None, masked),
        ]

    def test_findings_of_a_file_that_was_corrected_are_no_longer_reported(self, home: Home) -> None:
        refused = {"dataset": None, "status": "refused", "gate": None, "is_current": False, "rows_read": 0}
        write_ledger(
            home,
            [
                source_file(is_current=False),
                source_file(vintage_id="e2", sequence=2),
                source_file(file_name="a.csv", vintage_id="a1", sequence=3, **refused),
                source_file(file_name="a.csv", vintage_id="a2", sequence=4),
                source_file(file_name="b.csv", vintage_id="b1", sequence=5, **refused),
            ],
            [
                finding(),
                finding(dataset=None, file_name="a.csv", vintage_id="a1", source_row=None, rule="not_recognised"),
                finding(dataset=None, file_name="b.csv", vintage_id="b1", source_row=None, rule="not_recognised"),
            ],
        )
        publish(home, [])
        assert read(home.published, "select dataset, rule, rows_checked, rows_failed, message from data_quality") == [
            (
                None,
                "not_recognised",
                0,
                1,
                "1 file could not be used. `impact check` on the file says which rows and what to do.",
            )
        ]

    def test_nothing_but_marts_and_no_offending_value_is_in_any_published_byte(self, home: Home) -> None:
        publish(home, [PASSED])
        files = [path for path in home.published.resolve().rglob("*") if path.is_file()]
        assert len(files) == len(TABLES) + 2
        assert {path.name for path in files if path.parent == home.published.resolve()} == {
            "impact.duckdb",
            "manifest.json",
        }
        for path in files:
            assert UNSUPPRESSED.encode() not in path.read_bytes()
            assert b"offending" not in path.read_bytes()

    def test_the_manifest_says_what_was_published_when_and_with_what(self, home: Home) -> None:
        before = datetime.now(UTC)
        publication = publish(home, [PASSED])
        manifest = json.loads((home.published / "manifest.json").read_text())
        assert manifest["publication_id"] == publication.publication_id == publication.path.name
        assert before.timestamp() - 0.001 <= datetime.fromisoformat(manifest["published_at"]).timestamp() <= time.time()
        assert {name: table["rows"] for name, table in manifest["tables"].items()} == publication.tables
        assert manifest["versions"]["duckdb"] == duckdb.__version__
        assert manifest["versions"]["storage"] == "v1.0.0"
        assert current_publication(home) == Publication(
            path=publication.path,
            publication_id=publication.publication_id,
            published_at=publication.published_at,
            changed=False,
            tables=publication.tables,
        )

    def test_many_rows_make_the_same_bytes_whatever_order_and_threads_they_were_built_with(self, home: Home) -> None:
        digests = set()
        for order in ("range", "hash(range)", "-range"):
            with duckdb.connect(home.warehouse) as connection:
                connection.execute(
                    "create or replace table marts.indicator_values as select 'i' || (range % 9) as indicator_id, "
                    f"range / 7 as value, 1 as generation from range(300000) order by {order}"
                )
            publish(home, [PASSED])
            digests.add(hashlib.sha256((home.published / "parquet/indicator_values.parquet").read_bytes()).hexdigest())
        assert len(digests) == 1
        assert len(names_in(home.publications)) == 1


class TestIdempotence:
    def test_the_same_content_again_changes_nothing_on_disk(self, home: Home) -> None:
        first = publish(home, [PASSED])
        before = everything_under(home.root)
        again = publish(home, [PASSED])
        assert again.changed is False
        assert again.publication_id == first.publication_id
        assert again.tables == first.tables
        assert everything_under(home.root) == before

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into marts.areas values ('id99', 1)",
            "update marts.areas set id = 'id98' where id = 'id01'",
            "comment on column marts.areas.id is 'Another description.'",
            "create table marts.an_addition as select 1 as generation",
        ],
    )
    def test_a_changed_row_description_or_table_makes_a_new_publication(self, home: Home, statement: str) -> None:
        first = publish(home, [PASSED])
        with duckdb.connect(home.warehouse) as connection:
            connection.execute(statement)
        second = publish(home, [PASSED])
        assert second.changed is True
        assert second.publication_id > first.publication_id
        assert home.published.resolve() == second.path
        assert names_in(home.publications) == {first.publication_id, second.publication_id}

    def test_a_damaged_publication_is_published_anew(self, home: Home) -> None:
        first = publish(home, [PASSED])
        (first.path / "parquet" / "areas.parquet").unlink()
        second = publish(home, [PASSED])
        assert second.changed is True
        assert generation_in_force(home) == 1

    def test_identifiers_sort_by_publication_even_when_the_clock_is_set_back(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class SlowClock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return cls(2020, 1, 1, tzinfo=tz)

        first = publish_generation(home, 1)
        monkeypatch.setattr(folders, "datetime", SlowClock)
        second = publish_generation(home, 2)
        assert second.publication_id > first.publication_id
        assert (second.published_at - first.published_at).total_seconds() == 0.001


class TestRetention:
    def test_the_newest_publications_are_kept_and_older_ones_removed(self, home: Home) -> None:
        made = [publish_generation(home, generation).publication_id for generation in range(1, 6)]
        assert names_in(home.publications) == set(made[-3:])
        assert generation_in_force(home) == 5

    def test_the_one_in_force_survives_when_only_one_is_kept(self, home: Home) -> None:
        publish_generation(home, 1)
        last = publish_generation(home, 2)
        again = publish(keeping(home, 1), [PASSED])
        assert again.changed is False
        assert names_in(home.publications) == {last.publication_id}
        assert generation_in_force(home) == 2

    def test_a_home_can_be_moved_with_its_publications(self, home: Home, tmp_path: Path) -> None:
        publish(home, [PASSED])
        moved = tmp_path / "elsewhere"
        moved.mkdir()
        for name in ("publications", "published", "impact.yml"):
            (home.root / name).rename(moved / name)
        assert generation_in_force(open_home(moved)) == 1


class TestRefusal:
    def refused(self, home: Home, checks: list[CheckResult]) -> str:
        """Publish, expecting a refusal that touches nothing; returns what was said."""
        before = everything_under(home.publications), home.published.readlink()
        with pytest.raises(PublicationError) as error:
            publish(home, checks)
        assert (everything_under(home.publications), home.published.readlink()) == before
        return str(error.value)

    def test_a_failed_blocking_check_leaves_the_previous_publication_byte_for_byte(self, home: Home) -> None:
        publish_generation(home, 1)
        build_warehouse(home.warehouse, 2)
        message = self.refused(home, [PASSED, FAILED])
        assert "indicator_values, rates_within_bounds: 1 value is above 100; look at wf01." in message
        assert "1 blocking check failed" in message
        assert generation_in_force(home) == 1

    @pytest.mark.parametrize(
        ("stage", "severity", "stops"),
        [
            ("models", "error", True),
            ("marts", "error", True),
            ("marts", "warning", False),
            ("landed", "error", False),
            ("files", "error", False),
        ],
    )
    def test_only_an_error_about_models_or_marts_stops_a_publication(
        self, home: Home, stage: str, severity: str, stops: bool
    ) -> None:
        check = CheckResult(stage, "events", "rule", "A rule.", severity, False, 1, 1, **WHY)
        if stops:
            with pytest.raises(PublicationError, match="events, rule: A rule"):
                publish(home, [check])
            assert not home.published.is_symlink()
            assert not home.publications.exists()
        else:
            assert publish(home, [check]).changed is True

    def test_a_missing_mart_is_named(self, home: Home) -> None:
        publish(home, [PASSED])
        with duckdb.connect(home.warehouse) as connection:
            connection.execute("drop table marts.sectors")
        assert "no mart sectors" in self.refused(home, [PASSED])

    def test_a_mart_that_is_a_view_is_named(self, home: Home) -> None:
        publish(home, [PASSED])
        with duckdb.connect(home.warehouse) as connection:
            connection.execute("create view marts.a_view as select 1 as generation")
        assert "views, and a publication holds tables only: a_view" in self.refused(home, [PASSED])

    def test_a_mart_with_the_name_of_a_record_is_named(self, home: Home) -> None:
        publish(home, [PASSED])
        with duckdb.connect(home.warehouse) as connection:
            connection.execute("create table marts.source_files as select 1 as generation")
        assert "itself writes source_files" in self.refused(home, [PASSED])

    def test_a_warehouse_that_cannot_be_read_is_an_error_that_says_what_to_do(self, home: Home) -> None:
        publish(home, [PASSED])
        home.warehouse.write_bytes(b"not a database" * 1000)
        assert "Make sure that nothing else has" in self.refused(home, [PASSED])
        home.warehouse.unlink()
        assert "Use `impact run`" in self.refused(home, [PASSED])

    def test_a_missing_export_of_the_ledger_is_an_error_that_says_what_to_do(self, home: Home) -> None:
        publish(home, [PASSED])
        (home.landing / "findings.parquet").unlink()
        assert "the ledger was not exported" in self.refused(home, [PASSED])

    def test_a_folder_in_place_of_the_link_is_left_alone(self, home: Home) -> None:
        (home.published / "mine").mkdir(parents=True)
        with pytest.raises(PublicationError, match="is not a link"):
            publish(home, [PASSED])
        assert (home.published / "mine").is_dir()

    def test_nothing_is_in_force_before_the_first_publication(self, home: Home) -> None:
        assert current_publication(home) is None


@pytest.fixture(scope="session", params=["1.1.3", "1.4.5"])
def old_reader(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A version of DuckDB that readers may have, and a Python that has it; installed once and kept between runs."""
    version: str = request.param
    cache = request.config.cache
    assert cache is not None, "readers are kept in pytest's cache: run without -p no:cacheprovider"
    folder = cache.mkdir("readers") / f"duckdb-{version}-python-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    is_ready = [str(python), "-c", f"import duckdb; assert duckdb.__version__ == '{version}'"]
    with FileLock(f"{folder}.lock"):
        if not python.exists() or subprocess.run(is_ready, capture_output=True, check=False).returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, f"duckdb=={version}"], check=True)
            subprocess.run(is_ready, check=True)
    return version, python


READ_EVERYTHING = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute("select table_name, comment from duckdb_tables() order by all").fetchall()
print(json.dumps({
    "version": duckdb.__version__,
    "tables": tables,
    "rows": {name: connection.execute(f"from {name}").fetchall() for name, _ in tables},
    "types": {name: connection.execute(f"describe {name}").fetchall() for name, _ in tables},
    "from_parquet": {
        name: connection.execute(f"from '{sys.argv[2]}/{name}.parquet'").fetchall() for name, _ in tables
    },
    "columns": connection.execute(
        "select table_name, column_name, comment from duckdb_columns() where comment is not null order by all"
    ).fetchall(),
}, default=str))
"""


def read_everything(python: Path, home: Home) -> dict[str, Any]:
    """All that a reader sees of the publication in force, in a process of its own."""
    arguments = [str(home.published / "impact.duckdb"), str(home.published / "parquet")]
    done = subprocess.run([str(python), "-c", READ_EVERYTHING, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_older_versions_of_duckdb_read_the_same_tables_and_descriptions(
    home: Home, old_reader: tuple[str, Path]
) -> None:
    version, python = old_reader
    publish(home, [PASSED])
    old = read_everything(python, home)
    new = read_everything(Path(sys.executable), home)
    assert old.pop("version") == version
    assert new.pop("version") == duckdb.__version__
    assert [name for name, _ in new["tables"]] == TABLES
    assert len(new["rows"]["indicator_values"]) == 3
    assert new["rows"] == new["from_parquet"]
    assert old == new


READ_WHILE_SWITCHING = """
import duckdb, json, pathlib, sys, time
how, database, marts, stop = sys.argv[1], sys.argv[2], sys.argv[3].split(","), pathlib.Path(sys.argv[4])
query = " union ".join(f"select generation from {name}" for name in marts)
query += " union select cast(regexp_extract(message, '[0-9]+') as integer) from data_quality where rule = 'generation'"
connection, seen = duckdb.connect(database, read_only=True), []
print("ready", flush=True)
while not stop.exists():
    if how == "reconnects":
        connection.close()
        connection = duckdb.connect(database, read_only=True)
    seen.append([generation for (generation,) in connection.execute(query).fetchall()])
    time.sleep(0.05)
print(json.dumps(seen))
"""


def test_readers_that_go_on_querying_see_no_error_and_never_a_mixed_state(home: Home, tmp_path: Path) -> None:
    def publish_marked(generation: int) -> Publication:
        build_warehouse(home.warehouse, generation)
        mark = CheckResult(
            "landed", "events", "generation", "Mark.", "warning", False, 1, 1, message=f"{generation}.", **WHY
        )
        return publish(home, [mark])

    def start(how: str) -> subprocess.Popen[str]:
        arguments = [how, str(home.published / "impact.duckdb"), ",".join(REQUIRED_MARTS), str(stop)]
        return subprocess.Popen(
            [sys.executable, "-c", READ_WHILE_SWITCHING, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    stop = tmp_path / "stop"
    publish_marked(1)
    with start("stays open") as holder, start("reconnects") as follower:
        for reader in (holder, follower):
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for generation in range(2, 22):
            assert publish_marked(generation).changed is True
        stop.touch()
        seen = []
        for reader in (holder, follower):
            output, errors = reader.communicate(timeout=60)
            assert reader.returncode == 0, errors
            seen.append(json.loads(output))
    by_holder, by_follower = seen
    assert len(by_holder) >= 20
    assert all(generations == [1] for generations in by_holder)
    assert all(len(generations) == 1 for generations in by_follower)
    assert by_follower == sorted(by_follower)
    assert len({generations[0] for generations in by_follower}) >= 5


PUBLISH_AND_DIE = """
import json, os, pathlib, shutil, signal, sys, time
import duckdb
from expectations.results import CheckResult
from ingestion.home import open_home
from publishing import folders
from publishing.publication import publish

def dies_at(point):
    # Every call that changes which names a folder holds, or makes them last, is a point at which the process can die.
    left = point
    def wrap(owner, name):
        original = getattr(owner, name)
        def counted(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)
        setattr(owner, name, counted)
    for owner, name in [
        (folders, "sync_folder"), (os, "rmdir"), (pathlib.Path, "mkdir"), (pathlib.Path, "unlink"),
        (pathlib.Path, "rename"), (pathlib.Path, "replace"), (pathlib.Path, "symlink_to"), (pathlib.Path, "write_text"),
    ]:
        wrap(owner, name)

home = open_home(pathlib.Path(sys.argv[1]))
why = {"owner": "analyst", "reason": "It matters.", "remedy": "Do this."}
check = CheckResult("marts", "indicator_values", "key_is_unique", "Every key occurs once.", "error", True, 3, 0, **why)
print("ready", flush=True)
for line in sys.stdin:
    how, value = line.split()
    # No thread has been started in this process, so a fork of it can use DuckDB as a fresh process would.
    child = os.fork()
    if child == 0:
        if how == "point":
            dies_at(int(value))
        publish(home, [check])
        os._exit(0)
    if how == "after":
        time.sleep(float(value))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def publish_and_die(home: Home) -> Iterator[Callable[[str], bool]]:
    """Publish in a process that dies, ``point N`` at the Nth change to a folder or ``after S`` seconds.

    Returns whether it was killed before it was done.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", PUBLISH_AND_DIE, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        assert stdout.readline() == "ready\n"

        def order(command: str) -> bool:
            stdin.write(f"{command}\n")
            stdin.flush()
            answer = stdout.readline().strip()
            assert answer in ("0", "-9")
            return answer == "-9"

        yield order
        stdin.close()


def survive(home: Home, next_generation: int, kill: Callable[[], bool]) -> bool:
    """Kill a publication of the next generation: what is published stays whole, and the next run clears up.

    Returns whether the process was killed before it was done.
    """
    before = current_publication(home)
    assert before is not None
    build_warehouse(home.warehouse, next_generation)
    killed = kill()
    assert generation_in_force(home) in ((next_generation - 1, next_generation) if killed else (next_generation,))
    after = publish(home, [PASSED])
    assert generation_in_force(home) == next_generation
    # The new one and those that were kept before: nothing half built, nothing that never came into force.
    kept = sorted(names_in(home.publications))
    assert kept[-1] == after.publication_id
    assert len(kept) == min(home.settings.keep_publications, next_generation)
    assert len(kept) == 1 or kept[-2] == before.publication_id
    assert names_in(home.root) == {
        "checks",
        "disclosure",
        "impact.yml",
        "landing",
        "publications",
        "published",
        "warehouse.duckdb",
    }
    return killed


def test_killed_at_any_change_on_disk_the_publication_is_whole_and_the_next_run_clears_up(
    home: Home, publish_and_die: Callable[[str], bool]
) -> None:
    home = keeping(home, 1)
    publish_generation(home, 1)
    point = 1
    while survive(home, point + 1, lambda: publish_and_die(f"point {point}")):  # noqa: B023
        point += 1
    # Two folders made, one manifest, four folders made to last, the name, the link in two steps, the old one removed.
    assert point > 10


@pytest.mark.endurance
def test_killed_at_random_moments_the_publication_is_whole_and_the_next_run_clears_up(
    home: Home, publish_and_die: Callable[[str], bool]
) -> None:
    publish_generation(home, 1)
    build_warehouse(home.warehouse, 2)
    started = time.perf_counter()
    publish(home, [PASSED])
    usual = time.perf_counter() - started
    chance = random.Random(20250905)
    moments = [chance.uniform(0, 1.5) * usual for _ in range(15)]
    kills = [
        survive(home, generation, lambda: publish_and_die(f"after {moment}"))  # noqa: B023
        for generation, moment in enumerate(moments, start=3)
    ]
    assert kills.count(True) >= 3


# --- what the next publication must not give away --------------------------------------------------------------------


def released_generation(home: Home) -> list[tuple[Any, ...]]:
    """What the warehouse would read of the publication in force."""
    recall(home)
    return duckdb.sql(f"select numerator from '{home.disclosure / 'released_counts.parquet'}'").fetchall()


def test_before_the_first_publication_nothing_is_known(home: Home) -> None:
    assert released_generation(home) == []


def test_what_the_publication_in_force_hides_is_kept_for_the_next_build_and_for_nobody_else(home: Home) -> None:
    for generation in (1, 2):
        publish_generation(home, generation)
        assert released_generation(home) == [(generation,)]
    kept = sorted(path.name for path in home.disclosure.iterdir())
    assert kept == [f"{home.published.readlink().name}.parquet", "released_counts.parquet"]
    assert home.disclosure.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in home.disclosure.iterdir())
    assert not any(UNSUPPRESSED.encode() in path.read_bytes() for path in home.published.rglob("*") if path.is_file())


def test_a_publication_that_never_came_into_force_is_not_what_is_known(home: Home) -> None:
    publish_generation(home, 1)
    build_warehouse(home.warehouse, 2)
    remember(home, "29990101T000000000Z-00000000")
    assert released_generation(home) == [(1,)]
    assert not is_remembered(home, "29990101T000000000Z-00000000")


def test_what_was_lost_is_kept_again_by_the_next_run(home: Home) -> None:
    published = publish_generation(home, 1)
    shutil.rmtree(home.disclosure)
    assert publish(home, [PASSED]).publication_id == published.publication_id
    assert released_generation(home) == [(1,)]


def test_without_what_is_hidden_nothing_is_published(home: Home) -> None:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute("drop table indicators.released_counts")
    with pytest.raises(PublicationError, match="Build the warehouse again"):
        publish(home, [PASSED])
    assert current_publication(home) is None


def test_no_text_of_a_publication_is_a_formula_to_a_spreadsheet_and_numbers_stay_as_they_are(home: Home) -> None:
    meant = [
        "=1+1",
        "@SUM(A1)",
        "+cmd|'/C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "\t=1",
        "\r=1",
        '=HYPERLINK("http://x")',
    ]
    honest = ["-5", "+3.2 %", "-1,234.50", "-", "–", "+44 161 496 0000", "-1e5", "a=b", "Ashfield - Moorside", ""]
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            "create or replace table marts.organisations as "
            "select unnest(?::varchar[]) as organisation_name, -5 as number, 1 as generation",
            [[*meant, *honest]],
        )
    write_ledger(home, [source_file(file_name="=cmd|' C calc'!A0.csv")], [])
    publication = publish(home, [PASSED])
    names = {name for (name,) in read(publication.path, "select organisation_name from organisations")}
    assert names == {*(f"'{text}" for text in meant), *honest}
    assert read(publication.path, "select distinct number from organisations") == [(-5,)]
    assert read(publication.path, "select file_name from source_files") == [("'=cmd|' C calc'!A0.csv",)]
    assert not publish(home, [PASSED]).changed
