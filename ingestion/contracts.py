"""The contract model: what one dataset is, as data.

A contract is one YAML file in ``ingestion/contracts/``. It says how a file of the dataset is recognised, which
columns it carries under which headers, what each value may be, what is personal and what becomes of it, what a
submission is and what a newer one does to an older one. Nothing else in the project knows these things: the SQL
that splits good rows from bad, the Great Expectations suite, the zero-row landing file and the dictionary are all
generated from here. Unknown keys are refused, so a misspelt option is an error and not a silent default.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

#: The cadence of a dataset, in days that may pass before its newest file counts as stale.
FRESH_FOR_DAYS: dict[str, int] = {
    "monthly": 45,
    "termly": 150,
    "yearly": 400,
    "by_wave": 400,
    "when_it_changes": 400,
}

#: DuckDB type of each column type as it lands. ``statistic`` lands a second column, its status.
LANDED_TYPES: dict[str, str] = {
    "text": "VARCHAR",
    "text_list": "VARCHAR[]",
    "code": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,6)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "statistic": "DECIMAL(18,6)",
    "organisation": "VARCHAR",
    "postcode": "VARCHAR",
    "choices": "VARCHAR[]",
}

ColumnType = Literal[
    "text", "text_list", "code", "integer", "decimal", "date", "timestamp", "boolean", "statistic", "organisation",
    "postcode", "choices",
]  # fmt: skip

#: What a postcode offers to derived columns beside itself.
POSTCODE_PARTS = ("authority_code", "easting", "northing", "grid")

_NUMBERS = ("integer", "decimal", "statistic")

#: Columns that every landed row carries beside those of its contract: lineage back to the file and the row.
LINEAGE_COLUMNS: dict[str, str] = {"vintage_id": "VARCHAR", "source_row": "BIGINT"}

#: What a survey lands instead of its columns of answers.
SURVEY_COLUMNS: dict[str, str] = {"item_id": "VARCHAR", "answer": "VARCHAR", "score": "BIGINT"}


class Strict(BaseModel):
    """A model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearlyCodes(Strict):
    """A change of a code list from one collection year on."""

    from_year: int
    add: dict[str, str] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)


class Codes(Strict):
    """A closed list of values: what may stand in the file → what lands, with its changes by collection year."""

    values: dict[str, str]
    changes: list[YearlyCodes] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _read_the_short_forms(cls, data: object) -> object:
        # A plain list lands as it is; a plain mapping is the values alone.
        if isinstance(data, list) or (isinstance(data, dict) and "values" not in data):
            data = {"values": data}
        if isinstance(data, dict):
            data = dict(data)
            data["values"] = _code_map(data.get("values"))
            if isinstance(changes := data.get("changes", []), list):
                data["changes"] = [
                    {**change, "add": _code_map(change.get("add", []))} if isinstance(change, dict) else change
                    for change in changes
                ]
        return data

    @model_validator(mode="after")
    def _case_makes_no_difference(self) -> Self:
        # Cells are compared without regard to case, so a second spelling of a code would never be found.
        for codes in (list(self.values), *(list(change.add) for change in self.changes)):
            if twice := _repeated([code.casefold() for code in codes]):
                raise ValueError(f"codes that differ in nothing but case: {', '.join(twice)}")
        return self

    def in_year(self, year: int | None) -> dict[str, str]:
        """The list in force in a collection year; without a year, the base list."""
        codes = dict(self.values)
        for change in sorted(self.changes, key=lambda c: c.from_year):
            if year is not None and year >= change.from_year:
                codes.update(change.add)
                for code in change.remove:
                    codes.pop(code, None)
        return codes

    def landed_values(self) -> list[str]:
        """Every value that can land in any year, sorted."""
        landed = set(self.values.values())
        for change in self.changes:
            landed.update(change.add.values())
        return sorted(landed)


def _code_map(values: object) -> object:
    # What YAML reads from a bare No, On or 01 is not what stands in a file, so nothing is turned into text here.
    return {value: value for value in values} if isinstance(values, list) else values


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


class Column(Strict):
    """One column of the source file."""

    name: Identifier
    headers: list[str] = Field(default_factory=list)
    #: In a survey: filled by the tool that the file is from, which has headers of its own for it. ``whole_row``: all
    #: that stands in the row, for a response that has to be known again in another file.
    from_tool: Literal["response_id", "whole_row", "completed_at"] | None = None
    type: ColumnType = "text"
    description: str
    required: bool = False
    #: The whole column may be absent from a file (a header that only some suppliers or years send).
    may_be_absent: bool = False
    formats: list[str] = Field(default_factory=list)
    codes: Codes | None = None
    #: Symbols that a publisher writes instead of a number → the status that lands.
    symbols: dict[str, str] = Field(default_factory=dict)
    #: Unit of a published figure as the publisher's own description of the file writes it; empty for a plain number.
    unit: str | None = None
    pattern: str | None = None
    pattern_says: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    separator: str = ";"
    #: An expression whose matches are taken out of a cell before anything else looks at it.
    without: str | None = None
    #: The cell may name a person, so that no finding shows what stands in it.
    masked: bool = False
    personal: Literal["drop", "pseudonymise"] | None = None
    #: Pseudonyms of one domain can be joined, those of two cannot.
    domain: Identifier | None = None
    #: The pseudonym differs from submission to submission, so that it cannot be followed from one to the next.
    per_submission: bool = False
    #: False: read, checked and usable by rules and derived columns, but never landed.
    keep: bool = True
    default: str | None = None
    #: Version of the contract with which it began to land; what landed under an earlier one has no such column.
    since: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> Self:
        if not self.headers and self.from_tool is None:
            raise ValueError(f"column {self.name}: say under which headers it stands")
        if self.type in ("date", "timestamp") and not self.formats and self.from_tool is None:
            raise ValueError(f"column {self.name}: a {self.type} needs its formats")
        if self.type in ("code", "choices") and self.codes is None:
            raise ValueError(f"column {self.name}: a {self.type} needs its codes")
        if self.type == "statistic" and not self.symbols:
            raise ValueError(f"column {self.name}: a statistic needs its symbols")
        if self.personal == "pseudonymise" and self.domain is None:
            raise ValueError(f"column {self.name}: a pseudonym needs a domain")
        if self.type == "postcode" and self.personal != "drop":
            raise ValueError(f"column {self.name}: a postcode is always dropped")
        if (self.pattern is None) != (self.pattern_says is None):
            raise ValueError(f"column {self.name}: pattern and pattern_says come together")
        if (self.minimum is not None or self.maximum is not None) and self.type not in _NUMBERS:
            raise ValueError(f"column {self.name}: only a number has a minimum or a maximum")
        if self.since > 1 and not self.lands:
            raise ValueError(f"column {self.name}: only what lands has begun to, so take its since away")
        return self

    @property
    def sql_names(self) -> list[str]:
        """Every name under which something of this column can be used by rules and derived columns."""
        names = [self.name, f"{self.name}_text"]
        if self.type == "statistic":
            names.append(f"{self.name}_status")
        if self.type == "postcode":
            names += [f"{self.name}_{part}" for part in POSTCODE_PARTS]
        return names

    @property
    def lands(self) -> bool:
        """Whether the column itself reaches the landing zone."""
        return self.keep and self.personal != "drop"

    def landed_columns(self) -> dict[str, str]:
        """Name → DuckDB type of what this column lands as; empty where it is dropped."""
        if not self.lands:
            return {}
        if self.personal == "pseudonymise":
            return {self.name: "VARCHAR"}
        landed = {self.name: LANDED_TYPES[self.type]}
        if self.type == "statistic":
            landed[f"{self.name}_status"] = "VARCHAR"
        return landed


class Derived(Strict):
    """A landed column that is worked out from others while their identifiers are still there.

    ``sql`` is a DuckDB expression over the contract's typed columns and context values. A column of type
    ``postcode`` offers ``<name>_authority_code``, ``<name>_easting``, ``<name>_northing`` and ``<name>_grid`` to it.
    With ``pseudonymise`` the expression's text is replaced by its keyed pseudonym in that domain.
    """

    name: Identifier
    type: Literal["text", "integer", "decimal", "date", "boolean"]
    description: str
    sql: str
    pseudonymise: Identifier | None = None
    #: As of a column.
    since: int = Field(default=1, ge=1)


class Rule(Strict):
    """A rule about a row that one column's own options cannot say."""

    id: Identifier
    column: Identifier
    fails_when: str
    message: str
    remedy: str
    severity: Literal["error", "warning"] = "error"


class Drop(Strict):
    """Rows that are left out on purpose, and counted."""

    id: Identifier
    when: str
    reason: str


class OnePer(Strict):
    """Of several good rows with the same key only the latest counts; the others are dropped and counted."""

    id: Identifier
    key: list[Identifier] = Field(min_length=1)
    #: A date or time of the row; of two that agree, the row further down is the later one.
    latest_by: Identifier
    reason: str


class Repeats(Strict):
    """Columns that stand side by side in groups of one make, such as two for each activity of a course.

    A row of the file is as many records as it has groups with an answer in their first column. The groups fill the
    file behind the last header that the contract knows.
    """

    #: Landed column with the header of the group's first column.
    name: Identifier
    description: str
    columns: list[Column] = Field(min_length=1)
    #: Rules about one group of a row; their SQL calls its columns by their names.
    rules: list[Rule] = Field(default_factory=list)

    @model_validator(mode="after")
    def _rules_are_about_its_columns(self) -> Self:
        names = {column.name for column in self.columns}
        for rule in self.rules:
            if rule.column not in names:
                raise ValueError(f"rule {rule.id} is about {rule.column}, which is not a column of {self.name}")
        return self


class Context(Strict):
    """A value that belongs to the whole file and is not in its rows, such as the collection year or the wave."""

    name: Identifier
    #: ``instrument``: the id of the instrument that the file answers, where a contract takes those of a home.
    kind: Literal["financial_year_end", "wave", "text", "instrument"]
    description: str
    #: For text: finds the value in the file's name without its ending; the first group of the expression is it.
    pattern: str | None = None
    #: For text: what the name of such a file looks like, for whoever has to rename one.
    example: str | None = None
    #: Where the path does not say: the year in which most dates of this column fall.
    from_column: Identifier | None = None
    #: Where the file does not say either: the same value of a file of this dataset in the same folder.
    from_companion: Identifier | None = None
    #: As of a column.
    since: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _text_has_a_pattern(self) -> Self:
        if (self.kind == "text") != (self.pattern is not None and self.example is not None):
            raise ValueError(f"context {self.name}: a text has a pattern and an example, and nothing else has")
        return self

    @property
    def landed_type(self) -> str:
        """DuckDB type of the landed column."""
        return "VARCHAR" if self.kind in ("text", "instrument") else "BIGINT"


class Recognise(Strict):
    """How a file of this dataset is told from others: by the folder it lies in, or by its headers."""

    #: The header row begins with an empty cell.
    first_header_empty: bool = False

    folders: list[str] = Field(default_factory=list)
    #: All of these headers, and none of ``absent_headers``.
    headers: list[str] = Field(min_length=1)
    absent_headers: list[str] = Field(default_factory=list)


class Submission(Strict):
    """What a submission is, and what a newer one does to an older one.

    ``replace``: the newest file of a submission (same values of ``key``) replaces the older ones.
    ``add``: files add to each other; of rows with the same natural key the one received last counts.
    """

    mode: Literal["replace", "add"]
    key: list[Identifier] = Field(default_factory=list)


class Survey(Strict):
    """The dataset is the answers to an instrument: wide in the file of any tool, one row per answer in landing."""

    #: None: whichever of the instruments that a home has of its own a file answers most of.
    instrument: Identifier | None


class Contract(Strict):
    """One dataset, whole.

    A file may say ``extends: <base>`` and take over all that ``contracts/bases/<base>.yml`` says: its own entries come
    behind those of the base's lists, and take the place of those with the same name or id. A base may also say
    ``column_defaults``: by type of column, what a column has that does not say otherwise.
    """

    dataset: Identifier
    version: int = Field(ge=1)
    title: str
    description: str
    supplier: str
    licence: str
    cadence: Literal["monthly", "termly", "yearly", "by_wave", "when_it_changes"]
    owner: str
    formats: list[Literal["csv", "xlsx"]] = Field(default=["csv"], min_length=1)
    recognise: Recognise | None = None
    #: A reason here makes the file recognised and counted, and nothing of it is landed.
    not_needed: str | None = None
    submission: Submission | None = None
    context: list[Context] = Field(default_factory=list)
    #: Datasets that must have landed first, because this one is checked against them.
    after: list[Identifier] = Field(default_factory=list)
    columns: list[Column] = Field(default_factory=list)
    #: Headers that files carry and nothing reads; any other header that nothing reads is reported.
    ignored_headers: list[str] = Field(default_factory=list)
    #: The file carries columns of any name that nothing reads, and none of them is worth a word.
    ignore_other_headers: bool = False
    repeats: Repeats | None = None
    derived: list[Derived] = Field(default_factory=list)
    rules: list[Rule] = Field(default_factory=list)
    drops: list[Drop] = Field(default_factory=list)
    one_per: OnePer | None = None
    natural_key: list[Identifier] = Field(default_factory=list)
    survey: Survey | None = None
    #: What a file of headers alone says; without it, the gate rejects such a file as one that went wrong.
    may_be_empty: str | None = None
    #: A batch with a larger share of quarantined rows is rejected as a whole by its gate.
    reject_above_quarantined_percent: float = Field(default=50.0, ge=0, le=100)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.survey is None and self.recognise is None:
            raise ValueError(f"{self.dataset}: say how its files are recognised")
        if self.not_needed is not None:
            return self
        if self.submission is None:
            raise ValueError(f"{self.dataset}: say what a submission is")
        self._no_name_means_two_things()
        landed, contexts = set(self.landed_columns()), {c.name for c in self.context}
        columns = {column.name: column for column in self.columns}
        for name in self.natural_key:
            if name not in landed:
                raise ValueError(f"{self.dataset}: natural key {name} does not land")
        for name in self.submission.key:
            if name not in contexts:
                raise ValueError(f"{self.dataset}: submission key {name} is not a context value")
        for rule in self.rules:
            if rule.column not in columns:
                raise ValueError(f"{self.dataset}: rule {rule.id} is about {rule.column}, which is not a column")
        for context in self.context:
            if context.from_column and (context.from_column not in columns or not columns[context.from_column].formats):
                raise ValueError(f"{self.dataset}: {context.name} is from {context.from_column}, which is not a date")
            if context.from_companion and context.from_companion not in self.after:
                raise ValueError(f"{self.dataset}: {context.name} needs {context.from_companion}: name it under after")
        if any(c.kind == "instrument" for c in self.context) != (
            self.survey is not None and not self.survey.instrument
        ):
            raise ValueError(
                f"{self.dataset}: a survey lands its instrument where the contract names none, and only then"
            )
        if self.one_per is not None:
            self._one_per_is_sound(self.one_per, columns, landed)
        self._what_landed_before_is_sound(self.submission)
        if self.submission.mode == "replace" and not self.submission.key:
            raise ValueError(f"{self.dataset}: submissions that replace each other need a key")
        if self.submission.mode == "add" and not self.natural_key:
            raise ValueError(f"{self.dataset}: submissions that add to each other need a natural key")
        return self

    def _one_per_is_sound(self, one_per: OnePer, columns: dict[str, Column], landed: set[str]) -> None:
        if missing := sorted(set(one_per.key) - landed):
            raise ValueError(f"{self.dataset}: {one_per.id} is about {', '.join(missing)}, which does not land")
        if one_per.latest_by not in columns or columns[one_per.latest_by].type not in ("date", "timestamp"):
            raise ValueError(f"{self.dataset}: {one_per.id} is by {one_per.latest_by}, which is not a date or a time")

    def _what_landed_before_is_sound(self, submission: Submission) -> None:
        for name, version in self.since().items():
            if version > self.version:
                raise ValueError(
                    f"{self.dataset}: {name} lands since version {version}, and this is version {self.version} of the "
                    "contract: raise its version"
                )
            if name in self.natural_key:
                raise ValueError(
                    f"{self.dataset}: natural key {name} cannot land only since version {version}: rows that landed "
                    "before have nothing in it, so that nothing tells them apart"
                )
            if name in submission.key:
                raise ValueError(
                    f"{self.dataset}: submission key {name} cannot land only since version {version}: of a file that "
                    "landed before nothing says which submission it is, so that no newer one takes its place"
                )

    def _no_name_means_two_things(self) -> None:
        names = [name for column in self.columns for name in column.sql_names]
        if self.repeats is not None:
            names += [self.repeats.name, *(name for column in self.repeats.columns for name in column.sql_names)]
        names += [d.name for d in self.derived] + [c.name for c in self.context] + list(LINEAGE_COLUMNS)
        if self.survey is not None:
            names += SURVEY_COLUMNS
        headers = [" ".join(h.split()).casefold() for c in self.columns for h in dict.fromkeys(c.headers)]
        rules = [rule.id for rule in self.rules] + [drop.id for drop in self.drops]
        rules += [rule.id for rule in self.repeats.rules] if self.repeats is not None else []
        rules += [self.one_per.id] if self.one_per is not None else []
        for what, used in (("name", names), ("header", headers), ("rule", rules), ("natural key", self.natural_key)):
            if twice := _repeated(used):
                raise ValueError(f"{self.dataset}: {what} used twice: {', '.join(twice)}")

    def landed_columns(self, version: int | None = None) -> dict[str, str]:
        """Name → DuckDB type of every column of the landed file, lineage last.

        Args:
            version: the version of the contract under which the file landed; without one, this contract's.
        """
        landed: dict[str, str] = {context.name: context.landed_type for context in self.context}
        for column in self.columns:
            landed.update(column.landed_columns())
        if self.repeats is not None:
            landed[self.repeats.name] = "VARCHAR"
            for column in self.repeats.columns:
                landed.update(column.landed_columns())
        for derived in self.derived:
            landed[derived.name] = "VARCHAR" if derived.pseudonymise else LANDED_TYPES[derived.type]
        if self.survey is not None:
            landed.update(SURVEY_COLUMNS)
        if version is not None:
            since = self.since()
            landed = {name: kind for name, kind in landed.items() if since.get(name, 1) <= version}
        return landed | LINEAGE_COLUMNS

    def since(self) -> dict[str, int]:
        """Name → version with which it began to land, of every landed column that the first version did not have."""
        columns = [*self.columns, *(self.repeats.columns if self.repeats is not None else [])]
        began = {context.name: context.since for context in self.context}
        began |= {name: column.since for column in columns for name in column.landed_columns()}
        began |= {derived.name: derived.since for derived in self.derived}
        return {name: version for name, version in began.items() if version > 1}

    @property
    def fresh_for_days(self) -> int:
        """Days after which the newest file of this dataset counts as stale."""
        return FRESH_FOR_DAYS[self.cadence]


#: The one written in C is ten times as fast, and every command reads every contract.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ContractError(Exception):
    """A contract cannot be used; the message names the file and what to change."""


@cache
def load_contracts() -> dict[str, Contract]:
    """Every contract that ships, by dataset, those that others depend on first.

    Raises:
        ContractError: a file is not valid; names it and says what is wrong.
    """
    contracts: dict[str, Contract] = {}
    for path in sorted(files("ingestion").joinpath("contracts").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".yml"):
            continue
        contract = read_contract(path.read_text(encoding="utf-8"), path.name)
        if f"{contract.dataset}.yml" != path.name:
            raise ContractError(f"ingestion/contracts/{path.name}: the file must be named after {contract.dataset}")
        contracts[contract.dataset] = contract
    return {contract.dataset: contract for contract in _in_order(contracts)}


def read_contract(text: str, file_name: str) -> Contract:
    """One contract from the text of its YAML file.

    Raises:
        ContractError: the text is not valid YAML or not a valid contract; names the file and the key.
    """
    try:
        return Contract.model_validate(_with_base(yaml.load(text, Loader=_YAML_LOADER)))
    except (ValueError, yaml.YAMLError) as error:
        hint = (
            ' Put codes such as "No", "On" and "01" in quotation marks: YAML reads them as something else when they '
            "stand bare."
            if "Input should be a valid string" in str(error)
            else ""
        )
        raise ContractError(f"ingestion/contracts/{file_name}: {error}{hint}") from error


def _with_base(own: object) -> object:
    """The contract with what it takes from the base that it extends."""
    if not isinstance(own, dict) or "extends" not in own:
        return own
    path = files("ingestion").joinpath("contracts", "bases", f"{own['extends']}.yml")
    if not path.is_file():
        raise ValueError(f"extends {own['extends']}, and there is no ingestion/contracts/bases/{own['extends']}.yml")
    merged = dict(yaml.load(path.read_text(encoding="utf-8"), Loader=_YAML_LOADER))
    defaults = merged.pop("column_defaults", {})
    for key, value in own.items():
        inherited = merged.get(key)
        if key == "extends":
            continue
        if isinstance(value, list) and isinstance(inherited, list):
            merged[key] = _extended(inherited, value)
        elif isinstance(value, dict) and isinstance(inherited, dict):
            merged[key] = inherited | value
        else:
            merged[key] = value
    merged["columns"] = [
        defaults.get(column.get("type", "text"), {}) | column if isinstance(column, dict) else column
        for column in merged.get("columns", [])
    ]
    return merged


def _extended(inherited: list[object], own: list[object]) -> list[object]:
    """Both lists; of two entries with one name the contract's own counts, in the place of the other."""

    def called(entry: object) -> object:
        return entry.get("name", entry.get("id")) if isinstance(entry, dict) else entry

    merged, added = list(inherited), []
    place = {called(entry): number for number, entry in enumerate(inherited)}
    for entry in own:
        # Taken once: a name that the contract itself uses twice is still there twice, and refused as such.
        if (number := place.pop(called(entry), None)) is not None:
            merged[number] = entry
        else:
            added.append(entry)
    return [*merged, *added]


def _in_order(contracts: dict[str, Contract]) -> list[Contract]:
    ordered: list[Contract] = []
    while len(ordered) < len(contracts):
        done = {contract.dataset for contract in ordered}
        ready = [c for name, c in contracts.items() if name not in done and done.issuperset(c.after)]
        if not ready:
            waiting = ", ".join(sorted(contracts.keys() - done))
            raise ContractError(f"these contracts wait for each other or for one that does not exist: {waiting}")
        ordered.extend(ready)
    return ordered
