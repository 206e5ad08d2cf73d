"""The command line; ``impact --help`` lists the commands.

What a command needs is imported inside it, so that help and errors are there at once.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from ingestion.home import Home
    from ingestion.keys import Linked
    from ingestion.landing import FileReport
    from ingestion.registry.tables import OwnCheck
    from ingestion.retention import Going
    from orchestration.lineage import Lineage
    from orchestration.run import Run
    from orchestration.status import Status

#: Something that was asked about is wrong: a blocking check failed, a file would be rejected.
FAILED = 1
#: The command could not do its work.
COULD_NOT = 2
INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Whether becoming trauma-informed changes anything for children and families, from files to published marts.",
)


class Size(StrEnum):
    """Sizes of the sample."""

    borough = "borough"
    region = "region"


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Where everything lives. Without it: what IMPACT_HOME says, else the current folder.",
        show_default=False,
    ),
]
WaitOption = Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for another run to end.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@app.callback()
def _every_command(context: typer.Context, home: HomeOption = None) -> None:
    context.obj = home


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="HOME", help="A folder that does not exist yet, or is empty.")],
    size: Annotated[Size, typer.Option(help="How much of it.")] = Size.borough,
    seed: Annotated[int, typer.Option(help="Another number gives another borough.")] = 1,
    clean: Annotated[
        bool, typer.Option("--clean", help="Without the rows and files that are flawed on purpose.")
    ] = False,
) -> None:
    """Make a home with an invented borough to try things on."""
    from ingestion.sample import SampleError, write_sample
    from orchestration.reporting import console

    try:
        made = write_sample(folder, size.value, seed, is_clean=clean)
    except SampleError as error:
        raise _CannotError(str(error)) from error
    out = console()
    out.print(f"{made.authority_name} ({made.authority_code}), an invented borough, is in {made.root}:")
    out.print(f"  {made.files:,} files with {made.rows:,} rows in inbox/")
    out.print(f"  {made.flawed_rows:,} of those rows and {made.refused_files:,} files are flawed on purpose; "
              "truth/ says which")  # fmt: skip
    out.print(f"Next: impact run --home {made.root}")


@app.command()
def check(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", exists=True, help="Files, or folders with files in them.")
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what would be rejected of a file, and why, without touching anything.

    Of a folder every file is checked. A folder or file of a home's own frameworks, instruments or decisions is checked
    with all that the home adds to what ships.
    """
    from ingestion.contracts import load_contracts
    from ingestion.landing import check_file, submissions_in
    from ingestion.organisations import has_register
    from ingestion.registry.tables import check_own
    from orchestration.reporting import console, file_check, own_check

    found = {path: check_own(path) for path in files}
    own = [checked for checked in found.values() if checked is not None]
    named = [path for path, checked in found.items() if checked is None]
    sent = [path for one in named for path in (submissions_in(one) if one.is_dir() else [one])]
    if not sent and not own:
        raise _CannotError("there is no file in what was named")
    known = _home_if_any(context, home) if sent else None
    reports = [check_file(path, known) for path in sent]
    entries: list[OwnCheck | FileReport] = [*own, *reports]
    if as_json:
        print(json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False))
    else:
        out = console()
        for checked in own:
            out.print("\n".join(own_check(checked)), soft_wrap=True)
            out.print()
        for report in reports:
            out.print("\n".join(file_check(report, load_contracts())), soft_wrap=True)
            out.print()
        if sent and known is None:
            out.print("No home was named, so organisations were not looked up; --home DIR names one.")
        elif known is not None and not has_register(known):
            out.print("No register of organisations has landed in the home yet, so organisations were not looked up.")
    if any(checked.status == "refused" for checked in own) or any(
        report.status == "refused" or report.rows_quarantined for report in reports
    ):
        raise typer.Exit(FAILED)


@app.command()
def run(
    context: typer.Context,
    home: HomeOption = None,
    wait: WaitOption = 600,
    settled_for: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Leave files for the next run that changed less long ago."),
    ] = 0,
) -> None:
    """Take what is in the inbox all the way to the publication."""
    here = _home(context, home)
    from ingestion.registry.tables import load_registry
    from ingestion.retention import kept_for

    # Landing would find the same, half a minute later.
    load_registry(here)
    kept_for(here)
    from orchestration.reporting import console
    from orchestration.run import run_everything
    from orchestration.screen import screen

    out = console()
    try:
        with screen(out) as watcher:
            done = run_everything(here, watcher, wait, settled_for)
    except KeyboardInterrupt:
        print("impact: interrupted. Run again; it goes on from what has landed.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    _say_what_came_of_it(out, here, done)
    if done.blocked_by:
        raise typer.Exit(FAILED)
    if done.troubles:
        raise typer.Exit(COULD_NOT)


@app.command()
def status(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say what is published, how fresh each dataset is, what was set aside and which checks failed."""
    here = _home(context, home)
    from orchestration.reporting import console
    from orchestration.status import status_of

    found = status_of(here)
    if as_json:
        print(json.dumps(found.as_json(), indent=2, ensure_ascii=False, default=str))
    else:
        _say_how_it_stands(console(), found)


@app.command("rotate-key")
def rotate_key(
    context: typer.Context,
    new_key_file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write a new key; the file must not exist yet.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Say what a new pseudonymisation key would part, and make one.

    Without FILE nothing is written. Nothing lands anew before the next run with the new key.
    """
    here = _home(context, home)
    from ingestion.keys import linked_files, write_new_key
    from ingestion.ledger import Ledger
    from orchestration.reporting import console

    with Ledger(here) as ledger:
        linked = linked_files(here, ledger)
    out = console()
    _say_what_a_new_key_parts(out, linked)
    if new_key_file is None:
        return
    write_new_key(new_key_file)
    out.print(f"\nA new key is in {new_key_file.absolute()}. To use it: name that file in IMPACT_PSEUDONYM_KEY_FILE "
              "wherever the pipeline runs, take away IMPACT_PSEUDONYM_KEY, and `impact run`. Keep a copy where backups "
              "of the data are not.", soft_wrap=True)  # fmt: skip


@app.command()
def lineage(
    context: typer.Context,
    indicator: Annotated[str, typer.Argument(metavar="INDICATOR", help="Id of the indicator.")],
    period: Annotated[str | None, typer.Option(help="Label of the period; without it the latest.")] = None,
    area: Annotated[str | None, typer.Option(metavar="CODE", help="Without it the home's own authority.")] = None,
    sector: Annotated[
        str | None, typer.Option(metavar="CODE", help="Without it the total, or the organisation's own.")
    ] = None,
    organisation: Annotated[str, typer.Option(metavar="ID")] = "total",
    breakdown: Annotated[str, typer.Option(metavar="NAME=VALUE", help="Such as sex=female.")] = "total=total",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which files a published figure rests on, and how to see their rows."""
    here = _home(context, home)
    from orchestration.lineage import lineage_of
    from orchestration.reporting import console

    name, parted, value = breakdown.partition("=")
    if not parted:
        raise _CannotError(f"“{breakdown}” is no breakdown; write its name and its value, such as sex=female")
    found = lineage_of(here, indicator, period, area, sector, organisation, (name, value))
    if as_json:
        print(json.dumps([figure.as_json() for figure in found], indent=2, ensure_ascii=False, default=str))
    else:
        _say_where_it_comes_from(console(), found)


@app.command()
def alert(
    context: typer.Context,
    home: HomeOption = None,
    test: Annotated[bool, typer.Option("--test", help="Send a test message over every channel.")] = False,
) -> None:
    """Tell over the channels of impact.yml what needs somebody, and was not told yet."""
    here = _home(context, home)
    from orchestration.alerts import send_test, tell

    if not here.settings.alerts:
        raise _CannotError(f"{here.root / 'impact.yml'} names no channel under `alerts`; docs/operating.md says how")
    if test:
        outcome = send_test(here)
        for name, trouble in outcome.items():
            print(f"{name}: {trouble or 'sent'}")
        troubles = [trouble for trouble in outcome.values() if trouble is not None]
    else:
        troubles = tell(here)
        for trouble in troubles:
            print(f"impact: {trouble}", file=sys.stderr)
    if troubles:
        raise typer.Exit(COULD_NOT)


@app.command()
def backup(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="A file that does not exist yet, or a folder.")],
    home: HomeOption = None,
    without_inbox: Annotated[bool, typer.Option("--without-inbox", help="Leave out what suppliers sent.")] = False,
    wait: WaitOption = 600,
) -> None:
    """Put a home into one archive. The pseudonymisation key is not in it."""
    here = _home(context, home)
    from ingestion.pseudonyms import KEY_VARIABLE
    from orchestration.backup import back_up

    made = back_up(here, archive, with_inbox=not without_inbox, wait_seconds=wait)
    print(f"{made.path}: {len(made.manifest.files):,} files, {made.bytes_held:,} bytes before compression, "
          f"publication {made.manifest.publication_id or 'none yet'}.")  # fmt: skip
    print(f"Not in it: {KEY_VARIABLE}, which has to be kept elsewhere, .impact/ and the warehouse, "
          f"which the next run builds{', and the inbox' if without_inbox else ''}.")  # fmt: skip
    for name in made.manifest.left_out:
        print(f"Left out, because it is no file of the home's own: {name}")


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="What `impact backup` made.")],
    folder: Annotated[Path, typer.Argument(metavar="HOME", help="A folder that does not exist yet, or is empty.")],
) -> None:
    """Make a home of an archive, once every file in it has been verified."""
    from ingestion.pseudonyms import KEY_VARIABLE, load_key
    from orchestration.backup import restore as make_home

    manifest = make_home(archive, folder)
    print(f"{folder}: {len(manifest.files):,} files as they were on {manifest.made_at:%d %B %Y %H:%M} UTC, "
          f"publication {manifest.publication_id or 'none yet'}.")  # fmt: skip
    if load_key().key_id != manifest.key_id:
        print(f"WARNING: the pseudonyms in it were made with another {KEY_VARIABLE} than the one that is set now. "
              "Set that one before the next run.")  # fmt: skip
    print(f"Next: impact run --home {folder}")


@app.command()
def tidy(context: typer.Context, home: HomeOption = None, wait: WaitOption = 600) -> None:
    """Remove the records and logs of runs that are older than `keep_history_days` of impact.yml."""
    here = _home(context, home)
    from orchestration.instance import settle
    from orchestration.lock import writing

    with writing(here, wait):
        settle(here)
        from dagster import DagsterInstance

        from orchestration.tidying import tidy as remove_old_records

        with DagsterInstance.get() as instance:
            print(remove_old_records(here, instance).in_words())


@app.command()
def accept(
    context: typer.Context,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANGE…]", help="Ids of the changes; without any they are listed.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every change that waits.")] = False,
    by: Annotated[str, typer.Option(metavar="ROLE", help="Who says so: a role, not a person's name.")] = "",
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why the new figures are right.")] = "",
    home: HomeOption = None,
    wait: WaitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """List or accept what a new build changes of the figures that are published.

    A run that would make published figures vanish or move far stops before it publishes. Whoever has found out that the
    new figures are right says so here; the next run publishes them, with the reason, in the table accepted_changes.
    """
    here = _home(context, home)
    from expectations.continuity import pending_changes
    from orchestration.reporting import console

    out = console()
    if not changes and not every:
        waiting = pending_changes(here)
        if as_json:
            print(json.dumps([asdict(change) for change in waiting], indent=2, ensure_ascii=False))
        elif waiting:
            _section(out, "Waiting to be accepted", [f"{change.change_id}  {change.summary}" for change in waiting])
            out.print("\nIf the new figures are right: impact accept CHANGE… --by ROLE --why TEXT", soft_wrap=True)
        else:
            out.print("Nothing waits to be accepted.")
        return
    if changes and every:
        raise _CannotError("name the changes, or --all, and not both")
    by, why = " ".join(by.split()), " ".join(why.split())
    if not by or not why:
        raise _CannotError("say who accepts it and why: --by ROLE --why TEXT")
    from orchestration.acceptance import accept as enter

    entered = enter(here, changes or None, by, why, wait)
    if as_json:
        print(json.dumps([asdict(change) for change in entered], indent=2, ensure_ascii=False))
        return
    _section(out, "Accepted", [f"{change.change_id}  {change.summary}" for change in entered])
    out.print("Next: impact run" if entered else "Nothing waits to be accepted.")


@app.command()
def retain(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what goes and when, and touch nothing.")
    ] = False,
    home: HomeOption = None,
    wait: WaitOption = 600,
    as_json: JsonOption = False,
) -> None:
    """Delete landed rows of persons whose time is up, after freezing what is counted of them.

    Every run begins with it. How long rows are kept is listed for each dataset in docs/datasets.md.
    """
    here = _home(context, home)
    from orchestration.lock import writing
    from orchestration.reporting import console
    from orchestration.retention import planned
    from orchestration.retention import retain as delete

    out = console()
    if dry_run:
        going = planned(here)
        if as_json:
            print(json.dumps([asdict(one) for one in going], indent=2, ensure_ascii=False, default=str))
        elif going:
            _section(
                out, "Rows of persons, and the day from which a run deletes them", [_said_of(one) for one in going]
            )
        else:
            out.print("Landing holds no rows of persons.")
        return
    with writing(here, wait):
        done = delete(here)
    if as_json:
        print(json.dumps(asdict(done), indent=2, ensure_ascii=False, default=str))
        return
    _section(out, "Deleted", [_said_of(one) for one in done.deleted])
    _section(out, "Kept although their time is up", [_said_of(one) for one in done.held])
    out.print("\n".join(done.sentences()) or "No time is up.", soft_wrap=True)


def _said_of(going: Going) -> str:
    why = {"time_is_up": "its time is up then", "replaced": "it was replaced", "rejected": "its gate rejected it"}
    return f"{going.due_on}  {going.dataset}  {going.file_name}, {going.rows_landed:,} rows: {why[going.because]}"


def main() -> None:
    """What the console script ``impact`` calls: one clear message for an error that is not a fault of the program."""
    from ingestion.access import only_mine

    try:
        with only_mine():
            app()
    except Exception as error:
        if not isinstance(error, _expected_errors()):
            raise
        print(f"impact: {error}", file=sys.stderr)
        sys.exit(COULD_NOT)


class _CannotError(Exception):
    """A command cannot do its work; the message says what to do."""


def _expected_errors() -> tuple[type[Exception], ...]:
    from expectations.results import GateError
    from ingestion.contracts import ContractError
    from ingestion.home import HomeError
    from ingestion.instruments import InstrumentError
    from ingestion.pseudonyms import PseudonymKeyError
    from orchestration.acceptance import NoSuchChange
    from orchestration.backup import BackupError
    from orchestration.lineage import NoSuchFigure
    from orchestration.lock import HomeBusy
    from orchestration.manifest import ProjectError
    from publishing.errors import PublicationError

    return (
        _CannotError, HomeError, HomeBusy, ContractError, InstrumentError, PseudonymKeyError, GateError,
        ProjectError, PublicationError, NoSuchFigure, NoSuchChange, BackupError,
    )  # fmt: skip


def _home(context: typer.Context, option: Path | None) -> Home:
    from ingestion.home import find_home

    return find_home(option or context.obj)


def _home_if_any(context: typer.Context, option: Path | None) -> Home | None:
    from ingestion.home import HomeError, find_home

    named = option or context.obj
    try:
        return find_home(named)
    except HomeError:
        # A home that was named has to be one; without a name a file is checked on its own.
        if named is not None:
            raise
        return None


def _say_what_came_of_it(out: Console, home: Home, done: Run) -> None:
    from orchestration.reporting import besides_rejected, failed_checks, files_table, rejected_batches

    if done.files:
        out.print()
        out.print(files_table(done.files, done.checks))
    refused = [report for report in done.files if report.status == "refused"]
    _section(out, "Refused files", [finding.sentence() for report in refused for finding in report.findings])
    _section(out, "Rejected batches", rejected_batches(done.files, done.checks))
    if quarantined := sum(report.rows_quarantined for report in done.files):
        out.print(f"\n{quarantined:,} rows are in quarantine. `impact check FILE` says why, row by row; "
                  f"{home.landing / 'findings.parquet'} lists all of them.", soft_wrap=True)  # fmt: skip
    _section(out, "Failed checks", failed_checks(besides_rejected(done.files, done.checks)))
    out.print()
    if done.publication is None:
        _say_why_nothing_was_published(out, home, done)
        return
    tables, rows = len(done.publication.tables), sum(done.publication.tables.values())
    news = "is new" if done.publication.changed else "stands as it was, nothing has changed"
    out.print(f"The publication {news}: {tables} tables, {rows:,} rows.", soft_wrap=True)
    out.print(f"  DuckDB   {home.published / 'impact.duckdb'}", soft_wrap=True)
    out.print(f"  Parquet  {home.published / 'parquet'}", soft_wrap=True)
    _say_a_first_query(out, home)


def _say_why_nothing_was_published(out: Console, home: Home, done: Run) -> None:
    from expectations.continuity import LAST_PUBLICATION

    if done.blocked_by:
        names = ", ".join(f"{check.dataset}.{check.rule}" for check in done.blocked_by)
        out.print(f"Nothing was published: blocking checks failed: {names}.", soft_wrap=True)
        if any(check.dataset == LAST_PUBLICATION for check in done.blocked_by):
            out.print("If what changes of the publication is right, `impact accept` lists it and records who says so.",
                      soft_wrap=True)  # fmt: skip
    else:
        out.print("Nothing was published, because the run could not get to its end:", soft_wrap=True)
        for trouble in done.troubles:
            out.print(f"  {trouble}", soft_wrap=True)
    before = "The publication before it stays in force." if home.published.exists() else "There is none yet."
    out.print(f"{before} The run's log is {done.log}.", soft_wrap=True)


def _say_a_first_query(out: Console, home: Home) -> None:
    from orchestration.first_query import first_query
    from orchestration.reporting import table

    query, names, rows = first_query(home)
    out.print("\nA first query, in Python or any tool that opens DuckDB files:\n")
    out.print(f"  import duckdb; con = duckdb.connect('{home.published / 'impact.duckdb'}', read_only=True)",
              soft_wrap=True)  # fmt: skip
    out.print(f'  con.sql("""\n{query}\n  """).show()\n', soft_wrap=True)
    out.print(table(names, rows))


def _say_how_it_stands(out: Console, found: Status) -> None:
    from orchestration.reporting import failed_checks, table

    out.print(f"{found.home}, authority {found.authority}", soft_wrap=True)
    if found.publication is None:
        out.print("Nothing has been published yet; `impact run` does it.")
    else:
        out.print(
            f"Published {found.publication.published_at:%d %B %Y %H:%M} UTC: {len(found.publication.tables)} tables, "
            f"{sum(found.publication.tables.values()):,} rows, publication {found.publication.publication_id}",
            soft_wrap=True,
        )
    out.print()
    out.print(
        table(
            ["dataset", "last file is", "it came", "late after", "files", "rows", "quarantined", "rejected"],
            [
                (
                    item.dataset,
                    item.state,
                    f"{item.last_received:%d %b %Y}" if item.last_received else "",
                    f"{item.fresh_for_days} days",
                    item.files_in_force,
                    item.rows_landed,
                    item.rows_quarantined,
                    item.batches_rejected,
                )
                for item in found.datasets
            ],
        )
    )
    _section(out, "Refused files", [f"{name}: {reason}" for name, reason in found.refused.items()])
    _section(out, "Failed checks", failed_checks(found.failed_checks))


def _say_where_it_comes_from(out: Console, found: list[Lineage]) -> None:
    from orchestration.reporting import table

    for figure in found:
        shown = figure.value if figure.value_status == "ok" else f"no value ({figure.value_status})"
        out.print(f"{figure.indicator_id} {figure.period} ({figure.period_type.replace('_', ' ')}): {shown}, from "
                  f"{figure.source_dataset}", soft_wrap=True)  # fmt: skip
        out.print(
            table(
                ["dataset", "file", "received", "rows", "vintage"],
                [
                    (
                        file.dataset,
                        file.file_name,
                        f"{file.received_at:%d %b %Y %H:%M}",
                        file.rows_landed,
                        file.vintage_id,
                    )
                    for file in figure.files
                ],
            )
        )
        queries = [file.rows_query for file in figure.files if file.rows_query is not None]
        if queries:
            told = "it" if len(queries) == 1 else "the first file (`--json` has a query for each)"
            out.print(f"\nAll rows of {told} as they landed; source_row is the row in the file:", soft_wrap=True)
            out.print(f"  {queries[0]}\n", soft_wrap=True)
        else:
            out.print("\nTheir rows are no longer in landing.\n")


def _say_what_a_new_key_parts(out: Console, linked: list[Linked]) -> None:
    from orchestration.reporting import table

    rows = [
        (
            one.domain.replace("_", " "),
            dataset,
            sum(held.dataset == dataset for held in one.files),
            sum(held.dataset == dataset and not held.is_in_inbox for held in one.files),
            ", ".join(sorted({held.key_id for held in one.files if held.dataset == dataset})),
        )
        for one in linked
        for dataset in one.datasets
    ]
    out.print(table(["pseudonyms of", "dataset", "files in force", "gone from the inbox", "key now"], rows))
    parts = [one for one in linked if not all(held.is_in_inbox for held in one.files)]
    if not parts:
        out.print("\nEvery one of them is in the inbox, so under a new key all land anew and nothing is parted.")
        return
    out.print("\nWhat is gone from the inbox keeps its pseudonyms and no longer joins to the rest. Affected:")
    for one in parts:
        named = ", ".join(one.indicators) or "no indicator that ships"
        out.print(f"  {one.domain.replace('_', ' ')}: {named}", soft_wrap=True)


def _section(out: Any, title: str, lines: list[str]) -> None:
    from ingestion.texts import printable

    if lines:
        out.print(f"\n{title}")
        for line in lines:
            out.print(f"  {printable(line)}", soft_wrap=True)
