"""Tells somebody of what needs them, over the channels of ``impact.yml``: each matter once, and when it is settled.

What each channel has been told lies in ``.impact/alerts.json``. A channel that cannot be reached is told the next time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ingestion.alert_settings import Channel
from ingestion.home import Home
from ingestion.writing import whole_file
from orchestration.channels import ChannelError, deliver
from orchestration.matters import Matter, open_matters

#: Version of what is posted to a webhook.
PAYLOAD_VERSION = 1
#: How long one process waits while another sends.
BUSY_SECONDS = 300.0

_HEADINGS = {"new": "New", "open": "Still open", "settled": "Settled"}


@dataclass(frozen=True)
class Told:
    """What a channel has been told of one matter."""

    kind: str
    text: str
    #: When it was told first, and last.
    since: str
    told_at: str


@dataclass(frozen=True)
class Line:
    """A matter as one message tells it."""

    matter_id: str
    kind: str
    #: ``new``, ``open`` or ``settled``.
    state: str
    since: str
    text: str
    remedy: str | None


def tell(home: Home, now: datetime | None = None) -> list[str]:
    """Tell each channel what is new to it; nothing is sent where nothing is.

    Args:
        home: the home.
        now: the moment to judge by, in UTC; by default this one.

    Returns:
        One sentence per channel that could not be reached. It never raises for a channel: an alert that does not go
        out is no reason for a run to fail.
    """
    if not home.settings.alerts:
        return []
    moment = now or datetime.now(UTC)
    matters = open_matters(home, moment)
    home.state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.state / "alerts.lock", timeout=BUSY_SECONDS):
            return _tell_all(home, matters, moment)
    except Timeout:
        return ["No alert was sent: another process has been sending for minutes. The next run will tell."]


def tell_after_run(home: Home) -> list[str]:
    """What ``tell`` does, for the end of a run, which must not fail of it: whatever goes wrong is among the answers."""
    try:
        return tell(home)
    except Exception as error:  # noqa: BLE001
        return [f"No alert was sent, because what to tell could not be found out ({type(error).__name__})."]


def send_test(home: Home) -> dict[str, str | None]:
    """Send a test message over every channel.

    Returns:
        Name of the channel → None where it went out, else why not.
    """
    text = "This is a test of the alerts of Impact Warehouse. Nothing is the matter."
    outcome: dict[str, str | None] = {}
    for channel in home.settings.alerts:
        payload = _payload(home, [], datetime.now(UTC), text, is_test=True)
        try:
            deliver(channel, f"Impact Warehouse {home.settings.authority}: test", text, payload)
            outcome[channel.name] = None
        except ChannelError as error:
            outcome[channel.name] = str(error)
    return outcome


def _tell_all(home: Home, matters: Sequence[Matter], now: datetime) -> list[str]:
    remembered = _read(home)
    troubles = []
    for channel in home.settings.alerts:
        key = _key(channel)
        told = remembered.get(key, {})
        wanted = [matter for matter in matters if matter.kind in channel.kinds]
        lines, afterwards = news(wanted, told, now, home.settings.alert_again_after_days)
        try:
            if lines:
                text = as_text(home, lines)
                deliver(channel, _subject(home, lines), text, _payload(home, lines, now, text))
        except ChannelError as error:
            troubles.append(f"The alert by {channel.name} could not be sent. {error}")
            continue
        if afterwards != told:
            remembered[key] = afterwards
            # After each channel: a process that ends in between does not tell the first one again.
            _write(home, remembered)
    return troubles


def news(
    matters: Iterable[Matter], told: dict[str, Told], now: datetime, again_after_days: int
) -> tuple[list[Line], dict[str, Told]]:
    """What to tell a channel.

    Args:
        matters: what is open.
        told: what the channel has been told before, by matter.
        now: the moment, in UTC.
        again_after_days: after how many days a matter that is still open is told again.

    Returns:
        The lines of the message, none where there is nothing to tell, and what the channel has been told after it.
    """
    stamp = now.isoformat(timespec="seconds")
    lines: list[Line] = []
    after: dict[str, Told] = {}
    for matter in matters:
        before = told.get(matter.matter_id)
        after[matter.matter_id] = before or Told(matter.kind, matter.text, stamp, stamp)
        is_again = before is not None and matter.kind != "due" and _days_since(before.told_at, now) >= again_after_days
        if before is None or is_again:
            since = before.since if before else stamp
            after[matter.matter_id] = Told(matter.kind, matter.text, since, stamp)
            state = "new" if before is None else "open"
            lines.append(Line(matter.matter_id, matter.kind, state, since, matter.text, matter.remedy))
    for matter_id, past in told.items():
        # A reminder settles itself: what was due has come, or is late, which is told.
        if matter_id not in after and past.kind != "due":
            lines.append(Line(matter_id, past.kind, "settled", past.since, past.text, None))
    return lines, after


def as_text(home: Home, lines: Sequence[Line]) -> str:
    """The message, for people. What several matters say in the same words is said once."""
    parts = [f"Impact Warehouse, authority {home.settings.authority}"]
    for state, heading in _HEADINGS.items():
        said = dict.fromkeys((line.text, line.remedy, line.since) for line in lines if line.state == state)
        if not said:
            continue
        parts.append(f"\n{heading}")
        for text, remedy, since in said:
            day = f" Told first on {datetime.fromisoformat(since):%d %B %Y}." if state != "new" else ""
            parts.append(f"- {text}{f' {remedy}' if remedy else ''}{day}")
    return "\n".join(parts) + "\n"


def _subject(home: Home, lines: Sequence[Line]) -> str:
    said = {state: len({line.text for line in lines if line.state == state}) for state in _HEADINGS}
    counted = ", ".join(f"{number} {_HEADINGS[state].lower()}" for state, number in said.items() if number)
    return f"Impact Warehouse {home.settings.authority}: {counted}"


def _payload(home: Home, lines: Sequence[Line], now: datetime, text: str, *, is_test: bool = False) -> dict[str, Any]:
    return {
        "source": "impact-warehouse",
        "version": PAYLOAD_VERSION,
        "authority": home.settings.authority,
        "sent_at": now.isoformat(timespec="seconds"),
        "is_test": is_test,
        # What chat tools show of a message that is posted to them.
        "text": text,
        "matters": [asdict(line) for line in lines],
    }


def _days_since(stamp: str, now: datetime) -> int:
    return (now - datetime.fromisoformat(stamp)) // timedelta(days=1)


def _key(channel: Channel) -> str:
    return f"{channel.name}; {', '.join(channel.kinds)}"


def _read(home: Home) -> dict[str, dict[str, Told]]:
    try:
        content = json.loads(_file(home).read_text(encoding="utf-8"))
        return {key: {name: Told(**told) for name, told in matters.items()} for key, matters in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(home: Home, remembered: dict[str, dict[str, Told]]) -> None:
    channels = {_key(channel) for channel in home.settings.alerts}
    content = {
        key: {name: asdict(told) for name, told in matters.items()}
        for key, matters in remembered.items()
        # A channel that is no longer configured is forgotten.
        if key in channels
    }
    with whole_file(_file(home)) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _file(home: Home) -> Path:
    return home.state / "alerts.json"
