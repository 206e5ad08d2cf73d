"""Faults in what learning systems and facilitators send, and in the logs of sessions and events."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.faults.model import (
    NEEDS_ALL_ROWS,
    NEEDS_OTHER_FILES,
    NEEDS_OTHER_ROWS,
    fault,
    table,
)

SPRING = "training/bookings_2024-25_spring.csv"
BOOKINGS = "training_bookings"


@fault("training", BOOKINGS, "unknown_code")
def swapped_columns(root: Path) -> None:
    """The headers of course and level have changed places."""
    with table(root, SPRING) as export:
        export.swap_headers("Course name", "Course level")


@fault("training", BOOKINGS, "month_first")
def day_and_month_exchanged(root: Path) -> None:
    """Dates are written with the month first."""
    with table(root, SPRING) as export:
        export.change("Session date", lambda day: f"{day[5:7]}/{day[8:10]}/{day[:4]}")


@fault("training", BOOKINGS, "duplicate_key")
def a_booking_twice_with_another_outcome(root: Path) -> None:
    """A block of ten bookings stands twice, the second time as cancelled."""
    with table(root, SPRING) as export:
        status = export.at("Booking status")
        again = [list(row) for row in export.body if row[status] == "Completed"][:10]
        for row in again:
            row[status] = "Cancelled"
        export.rows += again


@fault("training", BOOKINGS, "one_level_per_course", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_ROWS)
def a_level_that_was_filled_down(root: Path) -> None:
    """The level of the first hundred rows is that of the hundredth."""
    with table(root, SPRING) as export:
        export.change("Course level", lambda cell: "Specialist", slice(0, 100))


@fault(
    "training",
    BOOKINGS,
    "not_a_date",
    beside={f"{BOOKINGS}.{rule}" for rule in ("required", "unknown_code", "unknown_organisation", "not_yes_or_no")},
)
def a_booking_shifted_by_a_cell(root: Path) -> None:
    """In one row every cell behind the course has moved to the right by one."""
    with table(root, SPRING) as export:
        row = export.rows[7]
        row[3:] = ["", *row[3:-1]]


@fault("training", BOOKINGS, "unknown_organisation")
def an_extract_of_another_partnership(root: Path) -> None:
    """Every learner works for an organisation that is not in the register."""
    with table(root, SPRING) as export:
        export.change("Organisation", lambda cell: f"{cell} of Elsewhere")


@fault("training", BOOKINGS, "number_of_cells")
def a_file_cut_in_the_middle_of_a_row(root: Path) -> None:
    """The file ends after some 20,000 bytes, in the middle of a row."""
    path = root / "inbox" / SPRING
    whole = path.read_bytes()[:20_000]
    path.write_bytes(whole[: whole.rindex(b",")])


@fault("training", BOOKINGS, "has_rows", stage="landed", not_earlier=NEEDS_ALL_ROWS)
def only_headers(root: Path) -> None:
    """The extract holds its header and not one row."""
    with table(root, SPRING) as export:
        del export.rows[1:]


@fault("training", "", "empty_file")
def an_empty_file(root: Path) -> None:
    """The export broke off before its first byte."""
    (root / "inbox" / SPRING).write_bytes(b"")


@fault("training", "", "not_recognised")
def a_header_of_another_generation(root: Path) -> None:
    """The system was upgraded, and calls the date and the status otherwise."""
    with table(root, SPRING) as export:
        export.rows[0][export.at("Session date")] = "Held at"
        export.rows[0][export.at("Booking status")] = "Workflow state"


@fault("training", BOOKINGS, "unknown_organisation")
def damaged_letters(root: Path) -> None:
    """The text was read as another encoding on its way: apostrophes have become three signs."""
    with table(root, SPRING) as export:
        export.change("Organisation", lambda cell: cell.replace(" ", " \u00e2\u20ac\u2122"), slice(0, 40))


@fault("training", "moodle_activity_progress", "required")
def learners_without_address(root: Path) -> None:
    """Moodle's report on activities comes without addresses in twenty rows."""
    with table(root, "moodle/progress.tip101.csv") as export:
        export.change("Email address", lambda cell: "", slice(0, 20))


@fault(
    "training",
    "moodle_course_completion",
    "completions_agree_with_activities",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def completions_that_the_activities_deny(root: Path) -> None:
    """A report says that all learners completed a course of whose activities they have completed none."""
    with table(root, "moodle/progress.tip101.csv") as report:
        people = [row[1] for row in report.body][:30]
    inbox = root / "inbox" / "moodle"
    with (inbox / "progress.nova1.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", "Email address", "Welcome", "", "Final quiz", ""])
        writer.writerows(["Somebody", person, "Not completed", "", "Not completed", ""] for person in people)
    with (inbox / "completion-nova1.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ID", "Name", "Email address", "Course complete"])
        writer.writerows([n, "Somebody", person, "2/01/25, 14:40"] for n, person in enumerate(people))


# --- logs ------------------------------------------------------------------------------------------------------------


@fault("events", "events", "happened_by_now")
def a_future_date(root: Path) -> None:
    """An event that was held is dated a hundred years on."""
    with table(root, "events/event_log.csv") as log:
        log.change("Date", lambda day: f"{day[:6]}21{day[8:]}", slice(3, 4))


@fault("events", "events", "not_a_number", beside={"events.unknown_organisation"})
def a_column_filled_with_its_neighbour(root: Path) -> None:
    """The attendance of every event is what stands in the column before it, its host."""
    with table(root, "events/event_log.csv") as log:
        for row in log.body:
            row[5] = row[4]


@fault("events", "events", "unknown_organisation")
def a_register_without_an_organisation_that_others_use(root: Path) -> None:
    """An organisation that has held events is taken out of the register."""
    with table(root, "events/event_log.csv") as log:
        host = log.body[0][4]
    with table(root, "organisations/register_2025-09.csv") as register:
        register.keep(lambda row: host not in (row["Organisation"], *row["Aliases"].split("; ")))


@fault("events", "events", "unknown_organisation")
def a_renamed_organisation(root: Path) -> None:
    """An organisation appears in the log under a new name that nobody has told the register."""
    with table(root, "events/event_log.csv") as log:
        host = log.body[0][4]
        log.change("Host organisation", lambda cell: "The Lantern Partnership" if cell == host else cell)


@fault("reflective", "reflective_sessions", "not_a_number")
def a_decimal_comma(root: Path) -> None:
    """Sessions are given as 1,5 and 2,0."""
    with table(root, "reflective_practice/reflective_log_2024-25.csv") as log:
        log.change("Sessions", lambda cell: "1,5", slice(0, 5))


@fault("deep_listening", "deep_listening_log", "minimum")
def sessions_taken_back(root: Path) -> None:
    """To correct an earlier line, somebody entered minus two sessions."""
    with table(root, "deep_listening/deep_listening_log_2024-25.csv") as log:
        log.change("Sessions", lambda cell: "-2", slice(4, 5))


@fault("sub_groups", "sector_group_attendance", "holds_an_address")
def an_address_in_a_column_that_is_kept(root: Path) -> None:
    """In one row the name of the sub-group is somebody's e-mail address."""
    with table(root, "sub_groups/attendance_2023-24.csv") as attendance:
        attendance.change(attendance.rows[0][1], lambda cell: "somebody@partner.example", slice(2, 3))


@fault("sub_groups", "sector_group_attendance", "formula_error")
def a_formula_that_failed(root: Path) -> None:
    """A look-up in the sheet failed, and its error was exported as the name of the sub-group."""
    with table(root, "sub_groups/attendance_2023-24.csv") as attendance:
        attendance.change(attendance.rows[0][1], lambda cell: "#N/A", slice(5, 6))


@fault(
    "events",
    "events",
    "dates_are_spread",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
    beside={"events.volume_as_before", "events.no_period_missing", "events.distribution_as_before"},
)
def a_day_that_a_system_filled_in(root: Path) -> None:
    """Every event is dated on the first of January."""
    with table(root, "events/event_log.csv") as log:
        log.change("Date", lambda day: f"01/01/{day[6:]}")


@fault(
    "training",
    BOOKINGS,
    "volume_as_replaced",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
    beside={f"{BOOKINGS}.volume_as_before"},
)
def a_file_sent_again_by_half(root: Path) -> None:
    """An extract is sent again with every second of its rows."""
    with table(root, SPRING) as export:
        export.rows[1:] = export.body[::2]
