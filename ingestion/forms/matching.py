"""Which column answers which question of an instrument."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingestion.contracts import Column
from ingestion.findings import shown
from ingestion.forms.headings import Heading
from ingestion.instruments import Instrument, Item, normalise_wording
from ingestion.readers import UnreadableFile

#: A spreadsheet's table gives the second column of a name a number.
_COUNTED = re.compile(r"(?<=\D)\d$")


@dataclass
class Answered:
    """Where an export holds the answers."""

    #: Item → the columns that hold its answer; several where each option of the question has a column.
    items: dict[str, list[int]] = field(default_factory=dict)
    #: Column of the contract that is a question → the same.
    questions: dict[str, list[int]] = field(default_factory=dict)
    #: Columns that the instrument knows and does not keep.
    not_kept: set[int] = field(default_factory=set)
    #: Statements that stand there more than once, where nothing tells which is which.
    twice: list[str] = field(default_factory=list)


def match_questions(instrument: Instrument, columns: Sequence[Column], headings: Sequence[Heading]) -> Answered:
    """Find each item of the instrument, and each question among the contract's columns, in the headings."""
    answered = Answered()
    by_wording = instrument.items_by_wording
    # What is read and not kept is a column of the tool's own, told by its header and not by a wording.
    asked = {normalise_wording(h): c.name for c in columns if c.from_tool is None and c.keep for h in c.headers}
    not_kept = {normalise_wording(question) for question in instrument.not_kept}
    #: Columns whose statement several items share and whose grid is not told, by statement.
    shared: dict[str, list[int]] = {}
    statements: dict[str, list[int]] = {}
    for position, heading in enumerate(headings):
        item, statement, is_option = _item(instrument, by_wording, heading, headings)
        if item is not None and is_option:
            answered.items.setdefault(item.item_id, []).append(position)
        elif item is not None:
            statements.setdefault(item.item_id, []).append(position)
        elif statement is not None:
            shared.setdefault(statement, []).append(position)
        elif (question := _question(asked, heading)) is not None:
            answered.questions.setdefault(question, []).append(position)
        elif any(normalise_wording(f"{q} {p}") in not_kept or q in not_kept for q, p in heading.readings):
            answered.not_kept.add(position)
    for item_id, positions in statements.items():
        if len(positions) > 1 or item_id in answered.items:
            answered.twice += [headings[position].text for position in positions]
        answered.items.setdefault(item_id, []).extend(positions)
    for statement, positions in shared.items():
        items = [item for item in by_wording[statement] if item.item_id not in answered.items]
        if len(items) != len(positions):
            answered.twice += [headings[position].text for position in positions]
        for item, position in zip(items, positions, strict=False):
            answered.items[item.item_id] = [position]
    return answered


def refuse_what_is_twice(answered: Answered) -> None:
    """A statement that stands there twice has two answers, and nothing says which counts.

    Raises:
        UnreadableFile: there is one.
    """
    if answered.twice:
        texts = (shown(" ".join(text.split())[:60], personal=False) for text in dict.fromkeys(answered.twice))
        listed = ", ".join(f"“{text}”" for text in texts)
        raise UnreadableFile(
            "header_twice",
            f"these columns stand in the file more than once: {listed}",
            "Keep one of each and send the file again; a statement that is asked in two grids needs both in the "
            "instrument, in the order of the form.",
        )


def _item(
    instrument: Instrument, by_wording: dict[str, list[Item]], heading: Heading, headings: Sequence[Heading]
) -> tuple[Item | None, str | None, bool]:
    """The item of a column, or the statement that several items share; and whether the column is an option of it."""
    for grid, statement in heading.readings:
        for text in (statement, _without_count(statement, headings)):
            items = by_wording.get(text, [])
            if len(items) == 1:
                return items[0], None, False
            if items:
                fitting = [item for item in items if grid in map(normalise_wording, item.grid)]
                return (fitting[0], None, False) if len(fitting) == 1 else (None, text, False)
        options = by_wording.get(grid, [])
        if len(options) == 1 and statement in map(normalise_wording, instrument.label_codes(options[0])):
            return options[0], None, True
    return None, None, False


def _without_count(statement: str, headings: Sequence[Heading]) -> str:
    """The statement without the number that makes its name another than that of an earlier column."""
    bare = _COUNTED.sub("", statement)
    return bare if bare != statement and any(("", bare) in other.readings for other in headings) else statement


def _question(asked: dict[str, str], heading: Heading) -> str | None:
    for grid, statement in heading.readings:
        if (found := asked.get(statement) or asked.get(grid)) is not None:
            return found
    return None
