"""What stands over each column of an export, read from as many rows as the tool writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ingestion.forms.tools import Tool
from ingestion.instruments import normalise_wording
from ingestion.readers import Sheet, normalise_header

#: What stands below a question that has one answer.
_NO_PART = {"", "response", "open ended response", "selected choice"}
#: "Question [Row]", as Google writes a grid.
_BRACKETED = re.compile(r"(?s)(.+?)\s*\[(.+)\]\s*$")
#: "7.", "7.1.", "9.a.ii.", "7a)", "Q7.", in front of a question.
_NUMBERED = re.compile(
    r"^\s*(?:Q\.?\s*)?\d{1,3}(?:\.(?:\d{1,3}|[ivx]{1,5}|[a-z])|[a-z])*\s*[.:)]\s*(?=\S)", re.IGNORECASE
)
#: " - ", between the heading of a grid and the statement.
_DASHED = re.compile(r"\s[-–—]\s")
#: No question has more; each is one more way to read it.
_MOST_DASHES = 20
_DIGIT = re.compile(r"[0-9]")
#: What Qualtrics writes into a question that has a box for text beside one of its options, and behind that box.
_CHOICE_BESIDE_TEXT = re.compile(r"\s-\sSelected Choice(?=\s-\s|\s*$)")
_TEXT_BESIDE_CHOICE = re.compile(r"\s-\sText\s*$")


@dataclass(frozen=True)
class Heading:
    """What stands over one column."""

    #: As a person reads it.
    text: str
    #: Everything that may name a column of the tool's own, normalised as headers are.
    names: frozenset[str]
    #: Heading of a grid (empty where none is given) and statement, or question and option; normalised as wordings are.
    readings: tuple[tuple[str, str], ...]


def read_headings(tool: Tool, sheet: Sheet, row: int) -> tuple[list[Heading], int]:
    """The headings of an export whose header begins in a row (from 1), and the last row of the header."""
    match tool.layout:
        case "one_row":
            headings, last = plain_headings(sheet.top[row - 1]), row
        case "qualtrics":
            headings, last = _qualtrics(tool, sheet.top, row)
        case "surveymonkey":
            headings, last = _surveymonkey(tool, sheet.top, row)
    width = max(len(cells) for cells in sheet.top[row - 1 : last])
    headings += [_heading("")] * (width - len(headings))
    return [_as_mapped(tool, heading) for heading in headings], last


def plain_headings(row: Sequence[str]) -> list[Heading]:
    """The headings of a header that is one row of questions as people read them."""
    return [_heading(text) for text in row]


def _as_mapped(tool: Tool, heading: Heading) -> Heading:
    """The heading as the tool's own map reads it; what the tool adds to a question is no question."""
    if heading.text.startswith(tuple(tool.ignored_prefixes)):
        return replace(heading, readings=())
    asked = next((question for name in heading.names if (question := tool.asks(name)) is not None), None)
    return heading if asked is None else replace(heading, readings=_heading(asked).readings)


def _qualtrics(tool: Tool, top: Sequence[list[str]], row: int) -> tuple[list[Heading], int]:
    names, texts = top[row - 1], _cells(top, row)
    times = {normalise_header(header) for header in tool.completed_at.headers}
    if any(_DIGIT.search(cell) for short, cell in zip(names, texts, strict=False) if normalise_header(short) in times):
        # The texts were taken out, and what stands below the names is somebody's response.
        texts, last = [], row
    else:
        last = row + 2 if any('"ImportId"' in cell for cell in _cells(top, row + 1)) else row + 1
    headings = []
    for position, short in enumerate(names):
        long = texts[position] if position < len(texts) else ""
        heading = _heading(_CHOICE_BESIDE_TEXT.sub("", long) or short, short)
        headings.append(replace(heading, readings=()) if _TEXT_BESIDE_CHOICE.search(long) else heading)
    return headings, last


def _surveymonkey(tool: Tool, top: Sequence[list[str]], row: int) -> tuple[list[Heading], int]:
    questions, parts = top[row - 1], _cells(top, row)
    # Below the tool's own columns the second row of the header is empty; a response says at least when it began.
    if not parts or any(cell.strip() for text, cell in zip(questions, parts, strict=False) if _is_own(tool, text)):
        parts, last = [], row
    else:
        last = row + 1
    headings = []
    question = ""
    for position, text in enumerate(questions):
        part = parts[position] if position < len(parts) else ""
        # Where neither row says anything, a separator ended the line.
        question = text if text.strip() or not part.strip() else question
        headings.append(_heading(question, part=part))
    return headings, last


def _is_own(tool: Tool, header: str) -> bool:
    """Whether the tool itself fills the column, so that no question stands over it."""
    own = [*tool.response_id, *tool.completed_at.headers, *tool.personal, *tool.ignored]
    return normalise_header(header) in {normalise_header(name) for name in own}


def _cells(top: Sequence[list[str]], index: int) -> list[str]:
    return list(top[index]) if index < len(top) else []


def _heading(text: str, *names: str, part: str = "") -> Heading:
    has_part = normalise_wording(part) not in _NO_PART
    shown = f"{text} – {part}" if has_part else text
    readings = [(text, part)] if has_part else list(_readings(text))
    return Heading(
        text=shown,
        names=frozenset(n for n in map(normalise_header, (text, *names)) if n) if not has_part else frozenset(),
        readings=tuple(dict.fromkeys((normalise_wording(q), normalise_wording(p)) for q, p in readings if p.strip())),
    )


def _readings(text: str) -> list[tuple[str, str]]:
    """The ways in which one text may be read as a heading and a statement, the likeliest first."""
    found = [("", text)]
    if bracketed := _BRACKETED.match(text):
        found.append((bracketed[1], bracketed[2]))
    found += [(text[: dash.start()], text[dash.end() :]) for dash in islice(_DASHED.finditer(text), _MOST_DASHES)]
    without_number = [(_NUMBERED.sub("", question), _NUMBERED.sub("", part)) for question, part in found]
    return [*found, *without_number]
