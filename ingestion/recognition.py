"""Which dataset a file is: told by its headers, and by the folder it lies in where those leave room."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ingestion.contracts import Contract
from ingestion.findings import column_letters, listed_headers
from ingestion.forms import Heading, Tool, match_questions, plain_headings, read_headings
from ingestion.instruments import Instrument, load_instruments
from ingestion.limits import MOST_COLUMNS
from ingestion.readers import Sheet, UnreadableFile, header_positions, normalise_header

#: A survey file is taken for an instrument when it carries at least this share of its statements.
SHARE_OF_ITEMS = 0.5
#: A row with fewer is a title, or a table read with the wrong delimiter.
FEWEST_HEADERS = 2
#: A file that has this share of a dataset's headers was probably meant to be one.
NEAR_ENOUGH = 0.4
#: How many of the spellings of a header that a file lacks are named.
SPELLINGS = 3


@dataclass(frozen=True)
class Recognised:
    """A table of a file with the dataset it is and the last row of its header (from 1)."""

    contract: Contract
    sheet: Sheet
    header_row: int
    #: What stands over each column of a survey, and the tool that wrote it.
    headings: tuple[Heading, ...] = ()
    tool: Tool | None = None
    #: What a survey's file answers.
    instrument: Instrument | None = None

    @property
    def headers(self) -> list[str]:
        """The headers as a person reads them."""
        return [heading.text for heading in self.headings] or self.sheet.top[self.header_row - 1]


def recognise(
    sheets: Sequence[Sheet],
    file_name: PurePath,
    contracts: Mapping[str, Contract],
    tools: Mapping[str, Tool],
    own_instruments: Sequence[Instrument] = (),
) -> Recognised:
    """The one table of a file that is a dataset we know.

    Args:
        sheets: the tables of the file.
        file_name: its path below the inbox; folders give a hint where headers do not decide.
        contracts: every contract, by dataset.
        tools: every survey tool, by id.
        own_instruments: those of the home, beside the ones that ship.

    Raises:
        UnreadableFile: no table is recognised, or two are; says what was looked for.
    """
    too_wide = [sheet for sheet in sheets if _width(sheet) > MOST_COLUMNS]
    sheets = [sheet for sheet in sheets if _width(sheet) <= MOST_COLUMNS]
    marks = [_marks(contract) for contract in contracts.values()]
    surveys = list(_surveys(contracts, own_instruments))
    found = [
        match
        for sheet in sheets
        if (match := _recognise_survey(sheet, surveys, tools) or _recognise_sheet(sheet, file_name, marks))
    ]
    if not found and too_wide:
        raise UnreadableFile(
            "too_many_columns",
            f"it has {_width(too_wide[0]):,} columns, and no more than {MOST_COLUMNS:,} are read",
            "Delete the columns behind the table, empty ones too, and send the file again.",
        )
    if not found and (tool := _tool_of(sheets, tools)) is not None:
        titles = ", ".join(f"“{contract.title if instrument not in own_instruments else instrument.title}”"
                           for contract, instrument in surveys)  # fmt: skip
        raise UnreadableFile(
            "unknown_questionnaire",
            f"it is an export of {tool.title}, and holds less than half of the statements of any survey that is known",
            f"Known are {titles}. If it is one of them and its statements were reworded, the new wordings have to be "
            "added to its instrument.",
        )
    if not found:
        raise UnreadableFile("not_recognised", *_why_not(sheets, file_name, contracts, surveys))
    if len(found) > 1 and found[0].sheet.name is not None:
        names = " and ".join(f"“{match.sheet.name}” ({match.contract.title})" for match in found)
        raise UnreadableFile(
            "two_tables",
            f"more than one sheet holds data: {names}",
            "Send each sheet as a file of its own.",
        )
    return found[0]


def _width(sheet: Sheet) -> int:
    return max((len(row) for row in sheet.top), default=0)


@dataclass(frozen=True)
class _Marks:
    """What tells a dataset's header row: one of each of ``wanted``, and nothing of ``unwanted``."""

    contract: Contract
    wanted: tuple[frozenset[str], ...]
    unwanted: frozenset[str]

    def fit(self, row: Sequence[str], headers: set[str]) -> bool:
        """Whether a row is the header of this dataset; ``headers`` are its cells, normalised."""
        recognised = self.contract.recognise
        if recognised is None or (recognised.first_header_empty and row[0].strip()):
            return False
        return all(names & headers for names in self.wanted) and not self.unwanted & headers


def _marks(contract: Contract) -> _Marks:
    if contract.recognise is None:
        return _Marks(contract, (), frozenset())
    aliases: dict[str, frozenset[str]] = {}
    for column in contract.columns:
        names = frozenset(normalise_header(header) for header in column.headers)
        aliases.update(dict.fromkeys(names, names))
    wanted = [normalise_header(header) for header in contract.recognise.headers]
    return _Marks(
        contract,
        tuple(aliases.get(header, frozenset([header])) for header in wanted),
        frozenset(normalise_header(header) for header in contract.recognise.absent_headers),
    )


def _recognise_sheet(sheet: Sheet, file_name: PurePath, marks: Sequence[_Marks]) -> Recognised | None:
    suffix = "xlsx" if sheet.name is not None else "csv"
    possible = [mark for mark in marks if suffix in mark.contract.formats]
    hinted = [mark.contract for mark in possible if _lies_in_folder(mark.contract, file_name)]
    for number, row in enumerate(sheet.top, start=1):
        headers = set(header_positions(row))
        if len(headers) < FEWEST_HEADERS:
            continue
        fitting = [mark for mark in possible if mark.fit(row, headers)]
        by_folder = [contract for contract in hinted if _mostly_fits(contract, headers)]
        if fitting:
            best = max(fitting, key=lambda mark: len(mark.wanted))
            if len(by_folder) == 1 and not any(mark.contract in hinted for mark in fitting):
                # Its sender said what it is, and what it lacks will be told.
                return Recognised(by_folder[0], sheet, number)
            return Recognised(_kept_but_for_a_header(best, possible, headers) or best.contract, sheet, number)
        if len(by_folder) == 1:
            return Recognised(by_folder[0], sheet, number)
    return None


def _kept_but_for_a_header(found: _Marks, possible: Sequence[_Marks], headers: set[str]) -> Contract | None:
    """The one dataset that a table would be, and not one that nobody keeps, if it did not lack a single header."""
    if found.contract.not_needed is None:
        return None
    near = [
        mark.contract
        for mark in possible
        if mark.contract.not_needed is None
        and len(mark.wanted) > len(found.wanted) + 1
        and sum(bool(names & headers) for names in mark.wanted) == len(mark.wanted) - 1
        and not mark.unwanted & headers
    ]
    return near[0] if len(near) == 1 else None


def _surveys(
    contracts: Mapping[str, Contract], own_instruments: Sequence[Instrument]
) -> Iterator[tuple[Contract, Instrument]]:
    """Every contract of a survey with each instrument that its files may answer."""
    shipped = load_instruments()
    for contract in contracts.values():
        if contract.survey is not None:
            named = contract.survey.instrument
            for instrument in own_instruments if named is None else (shipped[named],):
                yield contract, instrument


def _recognise_survey(
    sheet: Sheet, surveys: Sequence[tuple[Contract, Instrument]], tools: Mapping[str, Tool]
) -> Recognised | None:
    """Of the surveys of which an export holds at least half of the statements, the one of which it holds most.

    Not the one of which it holds the largest share: a home's own instrument may ask a few statements of one that ships.
    """
    best: tuple[int, Recognised] | None = None
    for tool, row in _exports(sheet, tools):
        headings, last = read_headings(tool, sheet, row)
        for contract, instrument in surveys:
            if sheet.name is None and "csv" not in contract.formats:
                continue
            matched = match_questions(instrument, contract.columns, headings)
            held = len(matched.items) + len(matched.twice)
            if held / len(instrument.items) >= SHARE_OF_ITEMS and (best is None or held > best[0]):
                best = held, Recognised(tool.reads(contract), sheet, last, tuple(headings), tool, instrument)
    if best is None:
        return None
    found = best[1]
    # Rows of a header may be of different lengths, and the longest says how many columns there are.
    last_row = sheet.top[found.header_row - 1]
    last_row += [""] * (len(found.headings) - len(last_row))
    return found


def _exports(sheet: Sheet, tools: Mapping[str, Tool]) -> list[tuple[Tool, int]]:
    """Tools that may have written the table, with the first row of its header."""
    found = []
    for number, row in enumerate(sheet.top, start=1):
        headers = set(header_positions(row))
        if len(headers) >= FEWEST_HEADERS:
            found += [(tool, number) for tool in tools.values() if tool.made(headers)]
    return found


def _tool_of(sheets: Sequence[Sheet], tools: Mapping[str, Tool]) -> Tool | None:
    """The tool that wrote a file, where what it asks is not known; one column in common is not enough to say so."""
    return next(
        (tool for sheet in sheets for tool, _ in _exports(sheet, tools) if len(tool.recognise) >= FEWEST_HEADERS), None
    )


def _lies_in_folder(contract: Contract, file_name: PurePath) -> bool:
    folders = {_plain(folder) for folder in file_name.parts[:-1]}
    return contract.recognise is not None and any(_plain(folder) in folders for folder in contract.recognise.folders)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _mostly_fits(contract: Contract, headers: set[str]) -> bool:
    required = [c for c in contract.columns if c.required and not c.may_be_absent]
    present = sum(bool({normalise_header(h) for h in column.headers} & headers) for column in required)
    return bool(required) and present > len(required) / 2


def _why_not(
    sheets: Sequence[Sheet],
    file_name: PurePath,
    contracts: Mapping[str, Contract],
    surveys: Sequence[tuple[Contract, Instrument]],
) -> tuple[str, str]:
    """What was looked for, and what to do.

    Nothing of the file is quoted but a row that has most of a kind's headers: without its header row, the first row may
    be a person.
    """
    if (survey := _survey_of_no_tool(sheets, surveys)) is not None:
        return (
            f"it holds the statements of “{survey[1].title}” without the columns that a survey tool writes beside them",
            "Export it again from the survey tool with all of its columns, such as the time of completion, and do not "
            "delete any. A tool that is not known can be described in survey_tools/ of the home.",
        )
    kinds = [contract for contract in contracts.values() if contract.not_needed is None]
    rows = [(sheet, row, headers) for sheet in sheets for row in sheet.top if (headers := set(header_positions(row)))]
    told_by_headers = [kind for kind in kinds if kind.recognise is not None]
    near = [found for kind in told_by_headers for found in _nearly(kind, rows, _lies_in_folder(kind, file_name))]
    if near:
        # Of two that fit as well, the one whose folder it lies in.
        return max(near, key=lambda found: (found.fit, found.is_hinted)).problem()
    hinted = [contract for contract in kinds if _lies_in_folder(contract, file_name)]
    expected = "; ".join(f"{c.title}: {', '.join(c.recognise.headers)}" for c in hinted if c.recognise)
    remedy = "Check that it is the right file and that its header row is as it was exported."
    known = f" Expected headers: {expected}." if expected else f" {len(kinds)} kinds are known (docs/datasets.md)."
    return "no kind of file that is known has its headers", remedy + known


@dataclass(frozen=True)
class _Near:
    """A kind of file that a row is nearly the header of."""

    contract: Contract
    #: The spellings of each header that it lacks.
    missing: list[list[str]]
    #: Where in the row something stands that is not known there, counted from 0. What it is may be somebody's data,
    #: where a form has the titles of its fields beside what was filled in.
    unknown: list[int]
    #: Headers that no such file has.
    unwanted: list[str]
    is_hinted: bool
    #: Share of the headers needed that are there, times share of those there that are known: a long table has something
    #: of every kind, and a title the whole of a short one.
    fit: float

    def problem(self) -> tuple[str, str]:
        """What keeps the file from being one, and what to do."""
        title = self.contract.title
        if self.missing:
            missing = ", ".join(spellings(headers) for headers in self.missing)
            remedy = "Export it again with them, or, where one is there under another name, rename it."
            if self.unknown:
                remedy += f" Not known there: what stands at the top of {column_letters(self.unknown)}."
            return f"it looks most like “{title}”, but these headers are missing: {missing}", remedy
        if self.unwanted:
            return (
                f"it has the headers of “{title}”, and others that no such file has: {listed_headers(self.unwanted)}",
                "Check that it is the right file, and export it again without them.",
            )
        formats = " or ".join(self.contract.formats).upper()
        return f"it has the headers of “{title}”, which is read as {formats} alone", f"Send it as {formats}."


def _nearly(
    contract: Contract, rows: Sequence[tuple[Sheet, Sequence[str], set[str]]], is_hinted: bool
) -> Iterator[_Near]:
    """The rows that have enough of a kind's headers, in whichever spelling, to be meant as one.

    Args:
        contract: the kind of file.
        rows: with the sheet that each is of, and its cells normalised.
        is_hinted: whether the file lies in a folder of that kind.
    """
    marks, needed = _marks(contract), _needed(contract)
    of_columns = [name for column in contract.columns for name in column.headers]
    known = _normalised([*of_columns, *contract.ignored_headers, *(name for names in needed for name in names)])
    reads_others = contract.ignore_other_headers or contract.repeats is not None
    for sheet, row, headers in rows:
        missing = [names for names in needed if not _normalised(names) & headers]
        held = len(needed) - len(missing)
        wanted = sum(bool(names & headers) for names in marks.wanted)
        # One header in common says nothing, nor do several of which none is needed.
        if not held or len(headers & known) < FEWEST_HEADERS:
            continue
        if wanted < NEAR_ENOUGH * len(marks.wanted) and not (is_hinted and held >= FEWEST_HEADERS):
            continue
        unwanted = headers & marks.unwanted
        is_of_format = ("csv" if sheet.name is None else "xlsx") in contract.formats
        if not missing and not unwanted and is_of_format:
            # What it lacks is nothing that could be said of its headers.
            continue
        yield _Near(
            contract,
            missing,
            [
                at
                for at, text in enumerate(row)
                if text.strip() and not reads_others and normalise_header(text) not in known
            ],
            [header for header in row if normalise_header(header) in unwanted],
            is_hinted,
            held / len(needed) * len((headers & known) - unwanted) / len(headers),
        )


def _needed(contract: Contract) -> list[list[str]]:
    """The headers without which a file of this kind is refused, each in all of its spellings."""
    by_header = {name: column for column in contract.columns for name in _normalised(column.headers)}
    needed = {c.name: c.headers for c in contract.columns if c.headers and not c.may_be_absent and c.default is None}
    for header in contract.recognise.headers if contract.recognise else ():
        column = by_header.get(normalise_header(header))
        needed.setdefault(column.name if column else header, column.headers if column else [header])
    return list(needed.values())


def _normalised(headers: Sequence[str]) -> set[str]:
    return {normalise_header(header) for header in headers}


def spellings(headers: Sequence[str]) -> str:
    """A header that a file lacks, with others that would do."""
    first, *others = headers[:SPELLINGS]
    return f"“{first}”" + (f" (or {', '.join(f'“{other}”' for other in others)})" if others else "")


def _survey_of_no_tool(
    sheets: Sequence[Sheet], surveys: Sequence[tuple[Contract, Instrument]]
) -> tuple[Contract, Instrument] | None:
    """The survey whose statements a header row holds most of."""
    rows = [plain_headings(row) for sheet in sheets for row in sheet.top]
    for contract, instrument in surveys:
        fewest = SHARE_OF_ITEMS * len(instrument.items)
        for headings in rows:
            # Each statement has a column of its own, and to look for them takes much longer than to count.
            if len(headings) >= fewest and len(match_questions(instrument, contract.columns, headings).items) >= fewest:
                return contract, instrument
    return None
