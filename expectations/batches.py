"""Hand-written expectations about a whole batch: what no single row can show.

Two kinds. ``file_checks`` look at the files of a dataset, one row per file vintage with its columns and its figures
in the ledger. ``batch_checks`` look at the rows of one dataset together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial

from expectations.checks import Check, asking, groups_having, literal, literals, name, rows_where
from expectations.history import history_checks, replaced_checks, spread_dates
from expectations.sources import source_checks
from expectations.suites import dropped_columns, survey_checks
from ingestion.contracts import Contract, load_contracts
from ingestion.instruments import Instrument, load_instruments

#: Below this no figure of the wave can be published at all (the minimum base of a survey of people).
FEWEST_RESPONDENTS = 10
#: A header that covers less than this of the children in the episodes is of another year or another authority.
LEAST_CHILDREN_MATCHED_PERCENT = 90
#: A file may be stamped in another time zone than the event; one day is never a finding.
DAYS_OF_GRACE = 1
#: Printed rates of authorities carry two decimals.
HUNDREDTHS = 100

#: Dates that lie in the past when a file is sent. A booking, a planned event and the like have none here.
PAST_DATES: dict[str, tuple[str, str]] = {
    "census_exclusions": ("start_date", "true"),
    "census_exclusions_off_roll": ("start_date", "true"),
    "children_families_survey": ("submitted_date", "true"),
    "deep_listening_log": ("session_date", "true"),
    "events": ("event_date", "true"),
    "la_exclusions": ("start_date", "true"),
    "moodle_activity_progress": ("completed_date", "completion_state <> 'not_completed'"),
    "moodle_course_completion": ("completed_date", "true"),
    "organisational_survey": ("submitted_date", "true"),
    "organisations": ("counted_date", "true"),
    "partnership_survey": ("submitted_date", "true"),
    "pupils_on_roll": ("census_date", "true"),
    "reflective_sessions": ("session_date", "true"),
    "sector_group_attendance": ("meeting_date", "true"),
    "ssda903_episodes": ("started_date", "true"),
    "ssda903_missing": ("started_date", "true"),
    "ssda903_reviews": ("review_date", "true"),
    "training_bookings": ("session_date", "status in ('attended', 'completed', 'did_not_attend')"),
    "training_facilitated_sessions": ("session_date", "true"),
    "training_feedback": ("submitted_date", "true"),
    "workforce_survey": ("submitted_date", "true"),
}

#: Of these a file is of one day: a census, a count of heads.
ON_ONE_DAY = ("organisations", "pupils_on_roll")


@cache
def file_checks(dataset: str) -> tuple[Check, ...]:
    """The checks on the files of one dataset.

    Their ``checked`` has a row per file vintage: ``vintage_id``, ``rows_in_file``, ``source_rows`` (those of the source
    file that they come from), ``columns`` (names and types as the file has them), the ``contract_version`` under which
    it landed and the ledger's ``rows_read``, ``rows_landed``, ``rows_quarantined`` and ``rows_dropped``; of the file
    whose place it takes, where there is one, ``replaced_file_name`` and ``replaced_rows``.
    """
    contract = load_contracts()[dataset]
    limit = contract.reject_above_quarantined_percent
    return (
        Check(
            rule="has_rows",
            description="The file has landed and holds rows."
            + ("" if contract.may_be_empty is None else f" Of headers alone: {contract.may_be_empty}"),
            remedy="See in the quarantine and among the dropped rows why nothing was left, and send the file again.",
            sql="select vintage_id, coalesce(trouble, 'no rows') as detail from checked"
            " where rows_in_file is null or rows_in_file = 0"
            + ("" if contract.may_be_empty is None else " and rows_read is distinct from 0"),
            owner="data supplier",
            reason="A file without rows would replace figures by nothing, and look like a submission.",
        ),
        Check(
            rule="columns_as_contracted",
            description="The landed file has the columns of the contract, of their types and in their order"
            + (", as they were when it landed." if contract.since() else "."),
            remedy="Ingestion and contract disagree: report it, with the version of the contract.",
            sql=_column_differences(contract),
            owner="data engineer",
            reason="Models read columns by name and type: another layout would be read wrongly.",
        ),
        Check(
            rule="dropped_columns_absent",
            description="No column that the contract drops has landed.",
            remedy="The landed file may hold personal data: delete it, and report it.",
            sql="select vintage_id, 'column ' || item.name as detail"
            " from (select vintage_id, unnest(columns) as item from checked)"
            f" where item.name in {literals(['', *dropped_columns(contract)])}",
            owner="disclosure officer",
            reason="Those columns hold what tells who a person is, which must never leave ingestion.",
        ),
        Check(
            rule="rows_as_in_ledger",
            description="As many rows of the source file have landed as the ledger says.",
            remedy="The landed file is not the one that was written: delete it and its ledger entry, and run again.",
            sql="select vintage_id, source_rows || ' rows landed, the ledger says '"
            " || coalesce(rows_landed::varchar, 'nothing') as detail"
            " from checked where source_rows is not null and source_rows is distinct from rows_landed",
            owner="data engineer",
            reason="Rows that landed uncounted, or were counted and did not land, make every figure of the file wrong.",
        ),
        Check(
            rule="rows_add_up",
            description="Rows read are rows landed, quarantined and dropped by a stated rule: none is lost.",
            remedy="Report it, with the file.",
            sql="select vintage_id, coalesce(rows_read::varchar, 'unknown') || ' rows read' as detail from checked"
            " where rows_read is null or rows_read is distinct from rows_landed + rows_quarantined + rows_dropped",
            owner="data engineer",
            reason="A row that is in none of the three places is lost, and nobody would miss it.",
        ),
        Check(
            rule="quarantined_share",
            description=f"At most {limit:g} % of the rows are in quarantine.",
            remedy="Mend what the quarantine names and send the file again; the submission before it stays in force.",
            sql="select vintage_id,"
            " coalesce(rows_quarantined || ' of ' || rows_read, 'unknown') || ' rows in quarantine' as detail"
            f" from checked where not coalesce(100 * rows_quarantined <= {limit} * rows_read, false)",
            owner="data supplier",
            reason="What is left of a file that is mostly wrong does not stand for the whole.",
        ),
        *replaced_checks(),
    )


@cache
def batch_checks(dataset: str) -> tuple[Check, ...]:
    """The checks on all rows of a batch together; ``checked`` holds the landed rows and ``file_vintage_id``.

    They may also read ``files``, as ``file_checks`` describe it, with ``received_at``, and what else has landed:
    ``landed_header`` and ``landed_episodes``, ``registered_names`` (``known_as``: every id, name and alias in the
    register of organisations, in lower case) and ``home_areas`` (``area_code`` and ``level`` of the home's own
    authority, its region and its country), and what ``source_checks`` read.
    """
    since = load_contracts()[dataset].since()
    dated: tuple[Check, ...] = ()
    if dataset in PAST_DATES:
        dated = (_not_in_the_future(*PAST_DATES[dataset]),)
        if dataset not in ON_ONE_DAY:
            dated = (*dated, spread_dates(dataset, *PAST_DATES[dataset]))
    return (
        *(asking(check, since) for check in (*_BY_DATASET.get(dataset, tuple)(), *source_checks(dataset))),
        *history_checks(dataset),
        *(asking(check, since) for check in dated),
    )


def _column_differences(contract: Contract) -> str:
    # What a file has to have changes with the versions of its contract; a stretch of them begins with each of these.
    begins = sorted({1, *contract.since().values()})
    expected = ", ".join(
        f"({begin}, {end}, {place}, {literal(column)}, {literal(kind)})"
        for begin, end in zip(begins, [*begins[1:], "null"], strict=True)
        for place, (column, kind) in enumerate(contract.landed_columns(begin).items(), start=1)
    )
    contracted = "version ' || found.contract_version || ' of the contract'" if contract.since() else "the contract'"
    return (
        "select vintage_id, case"
        " when found.name is null then 'column ' || expected.name || ' is missing'"
        f" when expected.name is null then 'column ' || found.name || ' is not in {contracted}"
        " when found.kind <> expected.kind then 'column ' || found.name || ' is ' || found.kind || ', not '"
        " || expected.kind else 'column ' || found.name || ' is in place ' || found.place || ', not ' || expected.place"
        " end as detail"
        " from (select vintage_id, contract_version, unnest(columns, recursive := true) from checked) as found"
        " full join ("
        "   select vintage_id, place, name, kind from checked,"
        f"   (values {expected}) as contracted (begins, ends, place, name, kind) where checked.columns is not null"
        "   and contract_version >= begins and (contract_version < ends or ends is null)"
        " ) as expected using (vintage_id, name)"
        " where (found.kind, found.place) is distinct from (expected.kind, expected.place)"
    )


def _not_in_the_future(column: str, condition: str) -> Check:
    return Check(
        rule=f"{column}_not_in_future",
        description=f"No {column} lies after the day on which the file was received.",
        remedy="Look for a mistyped year or a day and month that changed places.",
        sql="select file_vintage_id as vintage_id, 'row ' || source_row as detail"
        " from checked join files on files.vintage_id = checked.file_vintage_id"
        f" where ({condition}) and {name(column)} > received_at::date + {DAYS_OF_GRACE}",
        severity="warning",
        owner="data supplier",
        reason="A mistyped date puts what happened into a period in which it is not counted.",
    )


def _exclusions() -> tuple[Check, ...]:
    # Exact: twice the numerator over twice the denominator, so that half a hundredth goes up, in whole numbers.
    def follows(rate: str, count: str) -> str:
        # DuckDB may divide before it has looked whether it should.
        doubled = "nullif(2 * headcount::hugeint, 0)"
        half_up = f"(2 * 100 * {HUNDREDTHS} * {count}::hugeint + headcount::hugeint) // {doubled}"
        return f"(headcount > 0 and round({rate} * {HUNDREDTHS})::hugeint <> {half_up})"

    rates = (
        ("permanent_exclusion_rate", "permanent_exclusions"),
        ("suspension_rate", "suspensions"),
        ("pupils_suspended_percent", "pupils_suspended"),
    )
    return (
        Check(
            rule="printed_rates_follow_from_counts",
            description="The printed rate of every authority is its count over its pupils on roll, halves rounded up.",
            remedy="Tell the publisher; the printed rate stays as published.",
            sql=rows_where(
                f"geographic_level = 'Local authority' and ({' or '.join(follows(*rate) for rate in rates)})"
            ),
            severity="warning",
            owner="analyst",
            reason="A rate that its own counts contradict is a slip of the publisher, and is compared with ours.",
        ),
        Check(
            rule="has_national_total",
            description="Every academic year in the file has the row of the whole country for all schools.",
            remedy="Check that the file was sent whole: without that row there is nothing to compare an area with.",
            sql=groups_having(
                "not bool_or(geographic_level = 'National' and school_type = 'Total')", "time_period", "time_period"
            ),
            severity="warning",
            owner="analyst",
            reason="Without the national row the area has nothing to be compared with.",
        ),
    )


def _new_placements() -> tuple[Check, ...]:
    return (
        Check(
            rule="classes_do_not_exceed_total",
            description="The shown classes of where an authority's new placements are do not exceed their total.",
            remedy="Tell the publisher; the figures stay as published.",
            sql="select file_vintage_id as vintage_id, time_period || ' ' || area_code as detail from checked"
            " where geographic_level = 'Local authority' and starts_with(characteristic, 'Location of new placements')"
            " group by file_vintage_id, time_period, area_code"
            " having sum(placements) filter (not starts_with(breakdown, 'Total'))"
            " > sum(placements) filter (starts_with(breakdown, 'Total'))",
            severity="warning",
            owner="analyst",
            reason="Parts that exceed their whole give a share above what is possible.",
        ),
    )


def _matched(rule: str, other: str, words: str, remedy: str) -> Check:
    return Check(
        rule=rule,
        description=words,
        remedy=remedy,
        sql="select file_vintage_id as vintage_id,"
        " count(*) filter (is_matched) || ' of ' || count(*) || ' children' as detail"
        " from (select distinct file_vintage_id, child_id,"
        f" (collection_year, child_id) in (select (collection_year, child_id) from {other}) as is_matched from checked)"
        " group by file_vintage_id"
        f" having 100 * count(*) filter (is_matched) < {LEAST_CHILDREN_MATCHED_PERCENT} * count(*)",
        severity="warning",
        owner="data supplier",
        reason="Header and episodes that do not belong together give shares of the wrong children.",
    )


def _episodes() -> tuple[Check, ...]:
    return (
        *_of_children_in_header("episodes"),
        Check(
            rule="one_open_episode",
            description="No child has two open episodes in one return.",
            remedy="Close the episode that ended; both are kept, and the child counts once.",
            sql=groups_having("count(*) filter (ceased_date is null) > 1", "collection_year, child_id"),
            severity="warning",
            owner="data supplier",
            reason="A child who is in two placements at once is described by one of them wrongly.",
        ),
        Check(
            rule="episodes_belong_to_year",
            description="No episode ended before the year of its return began.",
            remedy="Check the collection year of the file; the rows are kept.",
            sql=rows_where("ceased_date < make_date(collection_year - 1, 4, 1)"),
            severity="warning",
            owner="data supplier",
            reason="Episodes of another year mean that the file is of another year, or was not cut to its own.",
        ),
        Check(
            rule="distance_not_negative",
            description="Every distance from home to placement is between nought and the length of Great Britain.",
            remedy="Report it: the distance is worked out at landing.",
            sql=rows_where("distance_miles not between 0 and 1000"),
            owner="data engineer",
            reason="An impossible distance shows that the working out of all of them went wrong.",
        ),
    )


def _header() -> tuple[Check, ...]:
    return (
        _matched(
            "children_have_episodes",
            "landed_episodes",
            f"At least {LEAST_CHILDREN_MATCHED_PERCENT} % of the children in the header have an episode in that year.",
            "Check that header and episodes are of the same return, and send the one that is missing.",
        ),
    )


def own_survey_checks(instruments: Iterable[Instrument]) -> tuple[Check, ...]:
    """The checks on answers to a home's own instruments: what the contract of a shipped survey says of its one."""
    instruments = list(instruments)
    if not instruments:
        return ()
    items = " or ".join(
        f"(instrument = {literal(instrument.instrument_id)}"
        f" and item_id in {literals(item.item_id for item in instrument.items)})"
        for instrument in instruments
    )
    answered = " ".join(f"when {literal(i.instrument_id)} then {len(i.items)}" for i in instruments)
    return (
        *survey_checks(instruments),
        Check(
            rule="item_of_its_instrument",
            description="Every statement is one of the instrument that its row names.",
            remedy="Ingestion let it through, so the batch is rejected: report it with this message.",
            sql=rows_where(f"not coalesce({items}, false)"),
            owner="data engineer",
            reason="An answer to a statement of another instrument would be scored and counted there.",
        ),
        *_enough_respondents(),
        *_answered(f"case any_value(instrument) {answered} end"),
    )


def _survey_of_people(instrument: str) -> tuple[Check, ...]:
    return (*_enough_respondents(), *_survey(instrument))


def _enough_respondents() -> tuple[Check, ...]:
    return (
        Check(
            rule="enough_respondents",
            description=f"At least {FEWEST_RESPONDENTS} people answered in the wave.",
            remedy="No figure of the wave will be shown: wait for more answers, and send the file again.",
            sql=groups_having(
                f"count(distinct respondent_id) < {FEWEST_RESPONDENTS}",
                None,
                # The message is published, and so few people are a secret.
                "if(count(distinct respondent_id) <= 5, '1 to 5', count(distinct respondent_id)::varchar)"
                " || ' respondents'",
            ),
            severity="warning",
            owner="analyst",
            reason="On fewer people no figure can be shown, so the wave will be empty.",
        ),
    )


def _survey(instrument: str) -> tuple[Check, ...]:
    return _answered(str(len(load_instruments()[instrument].items)))


def _answered(items: str) -> tuple[Check, ...]:
    """The checks on who answered what.

    Args:
        items: how many statements there are, as SQL over a whole file.
    """
    return (
        Check(
            rule="every_item_answered",
            description="Every statement of the instrument was answered by somebody.",
            remedy="Check whether the form left a statement out, or words it as the instrument does not list it.",
            sql=groups_having(
                f"count(distinct item_id) < {items}",
                None,
                f"count(distinct item_id) || ' of ' || {items} || ' statements'",
            ),
            severity="warning",
            owner="analyst",
            reason="A statement that nobody answered was left out or reworded, and its indicator has no value.",
        ),
        Check(
            rule="respondent_is_one_row",
            description="All answers of a respondent come from one row of the file.",
            remedy="Two rows of the file carry the same id: give every response its own, and send the file again.",
            sql=groups_having("min(source_row) <> max(source_row)", "respondent_id"),
            owner="data supplier",
            reason="Two people under one id are counted as one, and their answers mixed.",
        ),
    )


def _organisations() -> tuple[Check, ...]:
    return (
        Check(
            rule="one_sector_per_organisation",
            description="An organisation has one sector in the whole register.",
            remedy="Decide which sector is right and correct the register; until then the latest row counts.",
            sql=groups_having("count(distinct sector_code) > 1", "organisation_id"),
            severity="warning",
            owner="analyst",
            reason="An organisation in two sectors moves figures from one to the other.",
        ),
        Check(
            rule="one_id_per_name",
            description="No two organisations have the same name.",
            remedy="Give one of the two another name, or remove it: a file that names it cannot be resolved.",
            sql=groups_having("count(distinct organisation_id) > 1", "lower(trim(organisation_name))"),
            severity="warning",
            owner="analyst",
            reason="A name that stands for two organisations cannot say which one is meant.",
        ),
    )


def _of_children_in_header(what: str) -> tuple[Check, ...]:
    return (
        _matched(
            "children_in_header",
            "landed_header",
            f"At least {LEAST_CHILDREN_MATCHED_PERCENT} % of the children in the {what} are in that year's header.",
            f"Check that header and {what} are of the same return, and send the one that is missing.",
        ),
    )


_BY_DATASET: dict[str, Callable[[], tuple[Check, ...]]] = {
    "dfe_exclusions": _exclusions,
    "dfe_new_placements": _new_placements,
    "organisations": _organisations,
    "ssda903_episodes": _episodes,
    "ssda903_header": _header,
    "ssda903_missing": partial(_of_children_in_header, "missing episodes"),
    "ssda903_oc2": partial(_of_children_in_header, "outcomes"),
    "ssda903_reviews": partial(_of_children_in_header, "reviews"),
    "ssda903_uasc": partial(_of_children_in_header, "unaccompanied children"),
    "children_families_survey": partial(_survey_of_people, "children_families"),
    "organisational_survey": partial(_survey, "organisational"),
    "training_feedback": partial(_survey, "training_feedback"),
    "workforce_survey": partial(_survey_of_people, "workforce"),
}
