"""Survey tools, as data."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from ingestion.contracts import Column, Contract, Drop, Identifier, Strict
from ingestion.home import Home, HomeError
from ingestion.readers import normalise_header
from ingestion.sql import literal, name

#: Folder of a home that holds its own tools.
HOME_FOLDER = "survey_tools"

#: ``one_row``: a header row. ``qualtrics``: names, question texts and, in newer exports, import ids. ``surveymonkey``:
#: questions, and below them the statements of a grid or the options of a question.
Layout = Literal["one_row", "qualtrics", "surveymonkey"]


class ToolError(HomeError):
    """A tool cannot be used; the message names the file and what to change."""


class CompletedAt(Strict):
    """When a response was completed: the first of these columns that the file has, and how its times are written."""

    headers: list[str] = Field(min_length=1)
    formats: list[str] = Field(min_length=1)


class LeaveOut(Strict):
    """Responses that are none, such as previews: those whose cell holds one of the values, in any case."""

    id: Identifier
    headers: list[str] = Field(min_length=1)
    values: list[str] = Field(min_length=1)
    reason: str


class Tool(Strict):
    """One survey tool's export."""

    tool_id: Identifier
    title: str
    layout: Layout = "one_row"
    #: One header of each of these lists stands in every export, whatever the questionnaire is.
    recognise: list[list[str]] = Field(min_length=1)
    #: Columns with the tool's own id of the response; without any, the whole row is its id.
    response_id: list[str] = Field(default_factory=list)
    completed_at: CompletedAt
    #: Columns that may tell who the respondent is. They are never read.
    personal: list[str] = Field(default_factory=list)
    #: Columns of the tool's own that say nothing about an answer.
    ignored: list[str] = Field(default_factory=list)
    #: What columns that nothing reads begin with.
    ignored_prefixes: list[str] = Field(default_factory=list)
    #: Header → the question that stands behind it, in a wording that an instrument or a contract knows: for exports
    #: that number their columns instead of naming them.
    questions: dict[str, str] = Field(default_factory=dict)
    #: What may part the answers in one cell of a question that takes several: any of these characters.
    separator: str = ";"
    leave_out: list[LeaveOut] = Field(default_factory=list)

    @model_validator(mode="after")
    def _each_header_once(self) -> Self:
        own = [*self.response_id, *self.personal, *self.ignored]
        own += [header for rule in self.leave_out for header in rule.headers]
        normalised = [normalise_header(header) for header in own]
        if twice := sorted({header for header in normalised if normalised.count(header) > 1}):
            raise ValueError(f"{self.tool_id}: a column has two meanings: {', '.join(twice)}")
        return self

    def made(self, headers: Iterable[str]) -> bool:
        """Whether a row of normalised headers is of this tool."""
        found = set(headers)
        return all(found & {normalise_header(header) for header in group} for group in self.recognise)

    def asks(self, header: str) -> str | None:
        """The question behind a normalised header; None where the header is the question itself."""
        return next((asked for name, asked in self.questions.items() if normalise_header(name) == header), None)

    def reads(self, contract: Contract) -> Contract:
        """The contract of a survey with the columns that this tool fills and the responses that it leaves out."""
        columns = [self._filled(column) for column in contract.columns]
        drops = []
        for rule in self.leave_out:
            column = Column(
                name=f"is_{rule.id}", headers=rule.headers, description=rule.reason, keep=False, may_be_absent=True
            )
            columns.append(column)
            values = ", ".join(literal(value.lower()) for value in rule.values)
            drops.append(
                Drop(id=rule.id, when=f"lower({name(column.name + '_text')}) in ({values})", reason=rule.reason)
            )
        return contract.model_copy(
            update={
                "columns": columns,
                "drops": [*drops, *contract.drops],
                "ignored_headers": [
                    *contract.ignored_headers, *self.response_id, *self.personal, *self.ignored,
                    *self.completed_at.headers,
                ],
            }
        )  # fmt: skip

    def _filled(self, column: Column) -> Column:
        if column.from_tool == "response_id":
            return column.model_copy(update={"headers": self.response_id})
        if column.from_tool == "completed_at":
            return column.model_copy(
                update={"headers": self.completed_at.headers, "formats": self.completed_at.formats}
            )
        return column.model_copy(update={"separator": self.separator})


@cache
def _shipped() -> tuple[Tool, ...]:
    paths = files("ingestion").joinpath("forms").iterdir()
    return tuple(
        _read(path.read_text(encoding="utf-8"), f"ingestion/forms/{path.name}")
        for path in sorted(paths, key=lambda p: p.name)
        if path.name.endswith(".yml")
    )


def load_tools(home: Home | None = None) -> dict[str, Tool]:
    """The tools that ship and those of a home, by id; a home's own takes the place of one that ships.

    Raises:
        ToolError: a file is not valid; names it and says what is wrong.
    """
    tools = {tool.tool_id: tool for tool in _shipped()}
    folder = home.root / HOME_FOLDER if home is not None else Path(HOME_FOLDER)
    if home is not None and folder.is_dir():
        for path in sorted(folder.glob("*.yml")):
            tool = _read(path.read_text(encoding="utf-8"), f"{HOME_FOLDER}/{path.name}")
            tools[tool.tool_id] = tool
    return tools


def _read(text: str, file_name: str) -> Tool:
    try:
        return Tool.model_validate(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as error:
        raise ToolError(f"{file_name}: {error}") from error
