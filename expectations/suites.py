"""The suite of a landed dataset, generated from its contract.

It proves what landed from the contract alone and shares no code with ingestion, so a slip in the SQL that splits good
rows from bad is found here. Every rule holds within one file vintage: a rule across vintages could not say which batch
to reject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import duckdb

from expectations.checks import Check, literal, literals, name, rows_where
from ingestion.contracts import Codes, Column, Contract, load_contracts
from ingestion.instruments import Instrument, load_instruments

#: Row 1 of every source file is its header, or lies above it.
FIRST_DATA_ROW = 2
PSEUDONYM_PATTERN = "[0-9a-f]{32}"
#: Columns that ingestion makes of a postcode while it still has it.
POSTCODE_PARTS = ("authority_code", "easting", "northing", "grid")

_LANDED_WRONG = "Ingestion let it through, so the batch is rejected: report it with this message."
_LEAKED = "Rows may carry an identifier of a person: delete the landed file, and report it."
_SPLIT_WRONG = "Ingestion sets such rows aside; one that got through shows that others may have."
_TELLS_WHO = "What tells who a person is must not be kept, and would spread to every copy of the warehouse."


@cache
def landed_checks(dataset: str) -> tuple[Check, ...]:
    """The checks on the landed rows of one dataset, in the order of its columns.

    Raises:
        KeyError: no contract has that name.
    """
    contract = load_contracts()[dataset]
    checks = [*_lineage_checks(contract), *_natural_key_checks(contract)]
    for context in contract.context:
        checks.append(_check(context.name, [_present(context.name, context.landed_type)], since=context.since))
    for column in contract.columns:
        if column.lands:
            checks += _column_check(contract, column)
    if contract.repeats is not None:
        checks.append(_check(contract.repeats.name, [_present(contract.repeats.name, "VARCHAR")]))
        for column in contract.repeats.columns:
            checks += _column_check(contract, column)
    if contract.one_per is not None:
        checks.append(_one_per_check(contract))
    for derived in contract.derived:
        if derived.pseudonymise is not None:
            present = _present(derived.name, "VARCHAR")
            demands = [present, _pseudonym(derived.name)]
            checks.append(_check(derived.name, demands, personal=True, since=derived.since))
    checks += _rule_checks(contract)
    if contract.survey is not None and contract.survey.instrument is not None:
        checks += survey_checks([load_instruments()[contract.survey.instrument]])
    return tuple(checks)


def dropped_columns(contract: Contract) -> list[str]:
    """Names that must never stand in a landed file: what the contract drops, and what is made of it."""
    dropped = [column for column in contract.columns if not column.lands]
    landed = contract.landed_columns()
    names = [column.name for column in dropped]
    names += [f"{column.name}_{part}" for column in dropped if column.type == "postcode" for part in POSTCODE_PARTS]
    # The text behind a typed column or a pseudonym is as personal as the cell.
    names += [f"{column.name}_text" for column in contract.columns if column.personal is not None]
    return [column for column in names if column not in landed]


@dataclass(frozen=True)
class _Demand:
    """One thing that a column's values must be, and the condition under which a value is not."""

    right: str
    wrong: str
    condition: str


def _column_check(contract: Contract, column: Column) -> Iterator[Check]:
    """One check with all that the contract demands of a column: a check has a price, a condition has none."""
    demands = list(_demands(contract, column))
    if demands:
        yield _check(column.name, demands, personal=column.personal is not None, since=column.since)


def _check(column: str, demands: Sequence[_Demand], *, personal: bool = False, since: int = 1) -> Check:
    found = " ".join(f"when {demand.condition} then {literal(f'{column} {demand.wrong}')}" for demand in demands)
    return Check(
        rule=f"{column}_valid",
        description=f"Every {column} {_listed([demand.right for demand in demands])}.",
        remedy=_LEAKED if personal else _LANDED_WRONG,
        sql="select file_vintage_id as vintage_id, 'row ' || source_row || ': ' || found as detail"
        f" from (select *, case {found} end as found from checked) as examined where found is not null",
        owner="disclosure officer" if personal else "data engineer",
        reason=_TELLS_WHO if personal else _SPLIT_WRONG,
        since=since,
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _demands(contract: Contract, column: Column) -> Iterator[_Demand]:
    value = name(column.name)
    # A code that has a default is never missing either.
    if column.type != "statistic" and (column.required or column.default is not None):
        yield _present(column.name, contract.landed_columns()[column.name])
    if column.personal == "pseudonymise":
        yield _pseudonym(column.name)
        return
    if column.type == "statistic":
        yield from _statistic(column)
    if column.codes is not None:
        yield _codes(contract, column, column.codes)
    if column.pattern is not None:
        wrong = f"not regexp_full_match({value}, {literal(column.pattern)})"
        yield _Demand(f"is {column.pattern_says}", f"is not {column.pattern_says}", wrong)
    if column.minimum is not None:
        yield _Demand(f"is {column.minimum} or more", f"is below {column.minimum}", f"{value} < {column.minimum}")
    if column.maximum is not None:
        yield _Demand(f"is {column.maximum} or less", f"is above {column.maximum}", f"{value} > {column.maximum}")
    if column.type == "organisation":
        unknown = f"{value} not in (select organisation_id from registered_organisations)"
        yield _Demand("is in the register of organisations", "is not in the register of organisations", unknown)
    if column.type == "text" and any(other.personal for other in contract.columns):
        # A column that was taken for another is how an address ends up under a harmless name.
        yield _Demand("holds no e-mail address", "holds an e-mail address", f"contains({value}, '@')")


def _present(column: str, landed_type: str) -> _Demand:
    blank = f" or trim({name(column)}) = ''" if landed_type == "VARCHAR" else ""
    return _Demand("is there", "is missing", f"{name(column)} is null{blank}")


def _pseudonym(column: str) -> _Demand:
    broken = f"not regexp_full_match({name(column)}, {literal(PSEUDONYM_PATTERN)})"
    return _Demand("is a pseudonym of 32 hexadecimal characters", "is not a pseudonym", broken)


def _statistic(column: Column) -> Iterator[_Demand]:
    value, status = name(column.name), name(f"{column.name}_status")
    known = sorted({"ok", *column.symbols.values()})
    missing = f"{status} is null or " if column.required else ""
    yield _Demand(
        f"has a status ({', '.join(known)})",
        "has a status that is not known",
        f"{missing}{status} not in {literals(known)}",
    )
    yield _Demand(
        "has a value exactly where its status is ok",
        "has a value without the status ok, or the status without a value",
        f"({value} is not null) <> (coalesce({status}, '') = 'ok')",
    )


def _codes(contract: Contract, column: Column, codes: Codes) -> _Demand:
    value = name(column.name)
    has_years = any(context.name == "collection_year" for context in contract.context)
    starts = sorted({change.from_year for change in codes.changes}) if has_years else []
    if not starts:
        return _Demand(
            "is one of its codes", "is not one of its codes", f"{value} not in {literals(codes.landed_values())}"
        )
    # One arm for each stretch of years that shares a list.
    arms = [f"when collection_year < {starts[0]} then {value} not in {literals(codes.in_year(None).values())}"]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        until = "" if end is None else f" and collection_year < {end}"
        arms.append(
            f"when collection_year >= {start}{until} then {value} not in {literals(codes.in_year(start).values())}"
        )
    return _Demand(
        "is one of the codes of its year", "is not one of the codes of its year", f"case {' '.join(arms)} end"
    )


def _lineage_checks(contract: Contract) -> Iterator[Check]:
    yield Check(
        rule="lineage_complete",
        description="Every row names the file vintage it lies in and its row in the source file.",
        remedy=_LANDED_WRONG,
        sql="select file_vintage_id as vintage_id, coalesce('row ' || source_row, 'a row without number') as detail"
        " from checked where vintage_id is distinct from file_vintage_id"
        f" or source_row is null or source_row < {FIRST_DATA_ROW}",
        owner="data engineer",
        reason="A row that does not name its origin cannot be traced, corrected or withdrawn.",
    )
    if contract.survey is None and contract.repeats is None:
        yield Check(
            rule="source_row_once",
            description="No row of the source file landed twice.",
            remedy=_LANDED_WRONG,
            sql=_repeats(["source_row"]),
            owner="data engineer",
            reason="A row that landed twice is counted twice.",
        )


def _natural_key_checks(contract: Contract) -> Iterator[Check]:
    if contract.natural_key:
        yield Check(
            rule="natural_key_unique",
            description=f"No two rows of one file are about the same {', '.join(contract.natural_key)}.",
            remedy=_LANDED_WRONG,
            sql=_repeats(contract.natural_key),
            owner="data engineer",
            reason="Two rows about the same thing count it twice.",
        )


def _one_per_check(contract: Contract) -> Check:
    assert contract.one_per is not None
    key = ", ".join(name(column) for column in contract.one_per.key)
    return Check(
        rule=contract.one_per.id,
        description=f"Of each {' and '.join(contract.one_per.key)} one row of the source file has landed.",
        remedy=_LANDED_WRONG,
        sql="select file_vintage_id as vintage_id, 'rows ' || first_row || ' and ' || last_row as detail from ("
        " select file_vintage_id, min(source_row) as first_row, max(source_row) as last_row"
        f" from checked group by file_vintage_id, {key}) as kept where first_row <> last_row",
        owner="data engineer",
        reason=contract.one_per.reason,
        since=max(contract.since().get(column, 1) for column in contract.one_per.key),
    )


def _repeats(key: list[str]) -> str:
    """Query for the rows that share their key with another of the same file, one result each."""
    return (
        "select file_vintage_id as vintage_id, 'rows ' || first_row || ' to ' || last_row as detail from ("
        " select file_vintage_id, min(source_row) as first_row, max(source_row) as last_row, count(*) as copies"
        f" from checked group by file_vintage_id, {', '.join(name(column) for column in key)} having count(*) > 1"
        ") as repeated, unnest(range(copies))"
    )


def _rule_checks(contract: Contract) -> Iterator[Check]:
    told = _rules_of_landed_columns()
    for rule in contract.rules:
        if rule.severity == "error" and (contract.dataset, rule.id) in told:
            yield Check(
                rule=f"rule_{rule.id}",
                description=f"No landed row breaks the contract's rule {rule.id} ({_without_value(rule.message)}).",
                remedy=_LANDED_WRONG,
                sql=rows_where(rule.fails_when),
                owner="data engineer",
                reason=_SPLIT_WRONG,
                since=told[contract.dataset, rule.id],
            )


@cache
def _rules_of_landed_columns() -> dict[tuple[str, str], int]:
    """Dataset and rule → first version of the contract whose landed columns suffice for it.

    Without those for which none does: a rule about a birth date or a postcode ends with that column. Of all contracts
    at once, because to open a database takes longer than to ask it about them all.
    """
    told: dict[tuple[str, str], int] = {}
    with duckdb.connect() as con:
        for dataset, contract in load_contracts().items():
            if not contract.rules:
                continue
            for version in sorted({1, *contract.since().values()}):
                landed = contract.landed_columns(version)
                columns = ", ".join(f"{name(column)} {kind}" for column, kind in landed.items())
                con.execute(f"create or replace table landed ({columns})")
                for rule in contract.rules:
                    if (dataset, rule.id) in told:
                        continue
                    with suppress(duckdb.BinderException):
                        con.execute(f"select ({rule.fails_when}) from landed")
                        told[dataset, rule.id] = version
    return told


def _without_value(message: str) -> str:
    return message.replace("{value}", "…").replace("{suggestion}", "")


def survey_checks(instruments: Iterable[Instrument]) -> Iterator[Check]:
    """The checks on landed answers to these instruments, no two of which have an item in common."""
    instruments = list(instruments)
    scored = [
        (item.item_id, answer, score)
        for instrument in instruments
        for item in instrument.items
        for answer, score in instrument.scores(item).items()
    ]
    triples = ", ".join(
        f"({literal(item)}, {literal(answer)}, {'null' if score is None else score})" for item, answer, score in scored
    )
    items = literals(item.item_id for instrument in instruments for item in instrument.items)
    titles = " or ".join(f"“{instrument.instrument_id}”" for instrument in instruments)
    yield Check(
        rule="item_id_in_instrument",
        description=f"Every item_id is an item of the instrument {titles}.",
        remedy=_LANDED_WRONG,
        sql=rows_where(f"item_id is null or item_id not in {items}"),
        owner="data engineer",
        reason="An answer to an unknown statement belongs to no indicator, or to a wrong one.",
    )
    yield Check(
        rule="score_fits_answer",
        description="Every answer is one of the instrument's and has its score; one that says nothing has none.",
        remedy=_LANDED_WRONG,
        sql=rows_where(
            f"not exists (select 1 from (values {triples}) as instrument (item, code, points)"
            " where item = item_id and code = answer and points is not distinct from score)"
        ),
        owner="data engineer",
        reason="A score that does not belong to its answer turns opinions into their opposite.",
    )
