"""Files that turn up in every inbox and are no data: a newcomer should see what becomes of them."""

from __future__ import annotations

from datetime import datetime

from ingestion.sample.filing import Filing

MINUTES = (
    "Agenda item,Discussion,Action,By when\r\n"
    "Welcome,Apologies were taken.,,\r\n"
    "Training offer,Dates for the spring term are agreed.,Circulate dates,end of month\r\n"
    "Any other business,None.,,\r\n"
)


def write_strays(filing: Filing) -> None:
    """Write the minutes of a meeting, which no contract fits, and an export that broke off before its first byte."""
    filing.refused("misc/minutes.csv", MINUTES, "not_recognised", datetime(2025, 10, 8, 12, 0))
    filing.refused("events/event_log_export.csv", "", "empty_file", datetime(2025, 11, 4, 8, 25))
