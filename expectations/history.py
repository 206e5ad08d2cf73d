"""Expectations about a batch beside those before it: how much there is, how it is distributed, and what it covers.

Generated from the contract (which column is a code, a number, a person, an organisation) and from ``thresholds.yml``
(which column tells the period, and from where on a difference is reported). All are warnings: a change may be real.

What a result says holds no figure about people: it names the period, the column and the code, and says that there is
more or less of it. Numbers of people would be figures that have not passed disclosure control.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from expectations.checks import Check, asking, landed_since, literal, name
from expectations.thresholds import Period, Watched, load_thresholds
from ingestion.contracts import Contract, load_contracts

#: After how many periods one of the same season comes again.
_CYCLE = {"term": 3, "census_term": 3, "quarter": 4}
#: Kinds of period that a date tells: the newest may still be running.
_BY_DATE = ("term", "quarter", "academic_year")
_TERMS = "['autumn', 'spring', 'summer']"


@cache
def replaced_checks() -> tuple[Check, ...]:
    """The check on a file beside the one whose place it takes; ``checked`` is what ``file_checks`` look at."""
    numbers = load_thresholds().rules["volume_as_replaced"].numbers
    least = numbers["falls_below_percent"]
    return (
        _check(
            "volume_as_replaced",
            f"A file that takes the place of another has at least {least:g} % of its rows.",
            "select vintage_id, if(rows_landed = 0, 'no rows at all, and fewer than ', 'less than ')"
            " || replaced_file_name || ', whose place it takes' as detail from checked"
            # That there is nothing any more is said of the smallest file too.
            f" where (replaced_rows >= {numbers['fewest']:g} or rows_landed = 0)"
            f" and 100 * rows_landed < {least:g} * replaced_rows",
        ),
    )


@cache
def history_checks(dataset: str) -> tuple[Check, ...]:
    """The checks on the rows of a dataset by period; ``checked`` holds the landed rows and ``file_vintage_id``."""
    watched = load_thresholds().datasets.get(dataset)
    if watched is None:
        return ()
    return tuple(_checks(load_contracts()[dataset], watched))


def _checks(contract: Contract, watched: Watched) -> Iterator[Check]:
    since = contract.since()
    # The first three compare many columns, or periods of which only some rows were asked, and see to each themselves.
    yield _volume(contract, watched)
    distributed = _distribution(contract, watched)
    if distributed is not None:
        yield distributed
    yield asking(_no_gap(contract, watched), since)
    if contract.survey is not None:
        yield asking(_scores(contract), since)
    if (organisation := _organisation(contract)) is not None and not watched.growing:
        yield _organisations(contract, watched, organisation)
    if watched.wave_dates is not None:
        yield asking(_waves(contract, watched, watched.wave_dates), since)
    if watched.year_dates is not None:
        yield asking(_own_year(contract, watched.year_dates), since)
    if watched.areas:
        yield asking(_areas(contract, watched), since)
    if watched.schools is not None:
        yield asking(_schools(contract, watched.schools), since)


def spread_dates(dataset: str, column: str, condition: str) -> Check:
    """The check that dates of the past do not pile up on one day or on 1 January, in any one file."""
    numbers = load_thresholds().of(dataset, "dates_are_spread")
    day, new_year = numbers["on_one_day_percent"], numbers["on_new_year_percent"]
    return _check(
        "dates_are_spread",
        f"In no file more than {day:g} % of the rows have one {column}, or {new_year:g} % that of a 1 January.",
        "select vintage_id, 'row upon row on ' || if(on_new_year, 'a 1 January', busiest::varchar) as detail"
        " from (select file_vintage_id as vintage_id, arg_max(dated, rows_of_day) as busiest,"
        " max(rows_of_day) as rows_of_busiest, sum(rows_of_day) as rows_of_file,"
        f" 100 * sum(if(month(dated) = 1 and day(dated) = 1, rows_of_day, 0)) > {new_year:g} * rows_of_file"
        " as on_new_year"
        # Rows of the file, not landed rows: an answer to each statement is one response.
        f" from (select file_vintage_id, {name(column)}::date as dated, count(distinct source_row) as rows_of_day"
        f" from checked where ({condition}) and {name(column)} is not null group by all) as days"
        " group by file_vintage_id) as dated"
        f" where rows_of_file >= {numbers['fewest']:g}"
        f" and (on_new_year or 100 * rows_of_busiest > {day:g} * rows_of_file)",
    )


def _check(rule: str, description: str, sql: str) -> Check:
    threshold = load_thresholds().rules[rule]
    return Check(
        rule=rule,
        description=description,
        remedy=threshold.remedy,
        # What runs a check puts a CTE of its own before it.
        sql=f"select vintage_id, detail from ({sql}) as broken",
        severity="warning",
        owner=threshold.owner,
        reason=threshold.reason,
    )


# --- the columns of a contract ---------------------------------------------------------------------------------------


def _person(contract: Contract) -> str | None:
    """The column that tells people apart; events and bookings have a key of their own that does not."""
    people = ("pupil_id", "child_id", "person_id", "respondent_id")
    return next((column for column in people if column in contract.landed_columns()), None)


def _organisation(contract: Contract) -> str | None:
    return next((c.name for c in contract.columns if c.type == "organisation" and c.lands), None)


def _codes(contract: Contract) -> list[str]:
    columns = [c.name for c in contract.columns if c.lands and c.type in ("code", "boolean") and not c.personal]
    return columns + [derived.name for derived in contract.derived if derived.type == "boolean"]


def _numbers(contract: Contract) -> list[str]:
    columns = [c.name for c in contract.columns if c.lands and c.type in ("integer", "decimal") and not c.personal]
    contexts = {context.name for context in contract.context}
    columns += [derived.name for derived in contract.derived if derived.type in ("integer", "decimal")]
    return [c for c in columns if c not in contexts and not c.endswith(("_year", "_id", "_sortable"))]


def _statistics(contract: Contract) -> list[str]:
    return [c.name for c in contract.columns if c.type == "statistic" and c.lands]


def _asked(contract: Contract, column: str) -> str | None:
    """Condition that a row is of a file that can have the column; None where every file has it.

    What nobody asked for is not the same as what is empty, and is compared with nothing.
    """
    version = contract.since().get(column)
    return None if version is None else landed_since(version)


# --- periods ---------------------------------------------------------------------------------------------------------


def _number(period: Period) -> str:
    """The period of a row as a whole number; that of the next period is one more."""
    column = name(period.column)
    return {
        "number": column,
        "first_year": f"try_cast(left({column}, 4) as bigint)",
        "academic_year": f"year({column}) - (month({column}) < 9)::bigint",
        "quarter": f"4 * year({column}) + quarter({column}) - 1",
        "term": f"3 * (year({column}) - (month({column}) < 9)::bigint)"
        f" + case when month({column}) >= 9 then 0 when month({column}) <= 3 then 1 else 2 end",
        "census_term": f"3 * start_year + list_position({_TERMS}, {column}) - 1",
    }[period.kind]


def _label(period: Period, number: str) -> str:
    """What people call the period with that number."""
    year = {"quarter": f"({number} // 4)"}.get(period.kind, f"({number} // 3)")
    academic = f"{year} || '/' || lpad((({year} + 1) % 100)::varchar, 2, '0')"
    return {
        "number": f"{literal(period.column.replace('_', ' ') + ' ')} || {number}",
        "first_year": f"'the period that begins in ' || {number}",
        "academic_year": f"{number} || '/' || lpad((({number} + 1) % 100)::varchar, 2, '0')",
        "quarter": f"{year} || ' Q' || ({number} % 4 + 1)",
        "term": f"{academic} || ' ' || {_TERMS}[{number} % 3 + 1]",
        "census_term": f"{academic} || ' ' || {_TERMS}[{number} % 3 + 1]",
    }[period.kind]


def _placed(watched: Watched) -> str:
    """The rows with the number of their period and their series, as the first of some CTEs."""
    series = f"{name(watched.series)}::varchar" if watched.series else "''"
    return (
        f"with placed as (select *, {_number(watched.period)} as period_number, {series} as series from checked)"
        ", spans as (select series, min(period_number) as first_number, max(period_number) as last_number"
        " from placed where period_number is not null group by series)"
    )


def _lag(watched: Watched) -> int:
    return _CYCLE.get(watched.period.kind, 1)


def _worth_judging(watched: Watched, cycles: float) -> str:
    """Condition on ``now`` and ``spans``: recent, and neither half a period nor compared with half a one."""
    lag = _lag(watched)
    recent = f"now.period_number > last_number - {cycles * lag:g}"
    if watched.period.kind not in _BY_DATE:
        return recent
    return f"{recent} and now.period_number < last_number and now.period_number - {lag} > first_number"


def _said(watched: Watched, number: str = "now.period_number") -> str:
    series = "if(now.series = '', '', now.series || ', ')"
    return f"{series} || {_label(watched.period, number)}"


# --- checks ----------------------------------------------------------------------------------------------------------


def _volume(contract: Contract, watched: Watched) -> Check:
    numbers = load_thresholds().of(contract.dataset, "volume_as_before")

    def different(column: str) -> str:
        count = f"count(distinct {name(column)})"
        # A period of which only some were asked has fewer than there were.
        return count if (asked := _asked(contract, column)) is None else f"if(bool_and({asked}), {count}, null)"

    row = f"({', '.join(name(c) for c in contract.natural_key)})" if contract.natural_key else "source_row"
    counted = {"rows": f"count(distinct {row})"}
    if (person := _person(contract)) is not None:
        counted["people"] = different(person)
    if watched.areas:
        counted["areas"] = different("area_code")
    if (organisation := _organisation(contract)) is not None:
        counted["organisations"] = different(organisation)
    counts = ", ".join(f"{{'what': {literal(what)}, 'counted': {count}}}" for what, count in counted.items())
    least, most = numbers["falls_below_percent"], numbers["rises_above_percent"]
    rises = "false" if watched.growing else f"100 * now.counted > {most:g} * was.counted"
    return _check(
        "volume_as_before",
        f"No period has less than {least:g} %"
        + ("" if watched.growing else f" or more than {most:g} %")
        + f" of the {' or '.join(counted)} of the period that it is compared with.",
        f"{_placed(watched)}, volumes as (select series, period_number, vintage_id, unnest(counts, recursive := true)"
        f" from (select series, period_number, mode(file_vintage_id) as vintage_id, [{counts}] as counts"
        " from placed where period_number is not null group by series, period_number) as listed)"
        f" select now.vintage_id, {_said(watched)} || ': ' || if(now.counted < was.counted, 'far fewer ', 'far more ')"
        f" || what || ' than in ' || {_label(watched.period, 'was.period_number')} as detail"
        " from volumes as now join volumes as was using (series, what) join spans using (series)"
        f" where was.period_number = now.period_number - {_lag(watched)}"
        f" and {_worth_judging(watched, numbers['cycles'])}"
        f" and greatest(now.counted, was.counted) >= {numbers['fewest']:g}"
        f" and abs(now.counted - was.counted) > {numbers['deviations']:g} * sqrt(now.counted + was.counted)"
        f" and (100 * now.counted < {least:g} * was.counted or {rises})",
    )


def _distribution(contract: Contract, watched: Watched) -> Check | None:
    numbers = load_thresholds().of(contract.dataset, "distribution_as_before")
    person = _person(contract)
    weight = f"count(distinct {name(person)})" if person else "count(*)"
    shares = [
        f"select series, period_number, {literal(column)} as what,"
        f" coalesce({name(column)}::varchar, 'nothing') as member,"
        f" {weight} as counted, mode(file_vintage_id) as vintage_id from placed"
        + ("" if (asked := _asked(contract, column)) is None else f" where {asked}")
        + " group by all"
        for column in _codes(contract)
        if column not in watched.unsteady
    ]
    if contract.survey is not None:
        told_apart, means = ["item_id"], [_mean("'the answer to ' || item_id", "score")]
    else:
        told_apart = []
        means = [
            _mean(literal(column), name(column), is_published=is_published)
            for is_published, columns in ((False, _numbers(contract)), (True, _statistics(contract)))
            for column in columns
        ]
    if not shares and not means:
        return None
    parts, found = [_placed(watched)], []
    lag, judged = _lag(watched), _worth_judging(watched, numbers["cycles"])
    fewest, deviations = numbers["fewest"], numbers["deviations"]
    points, factor = numbers["share_moves_points"], numbers["mean_changes_by_factor"]
    said, before = _said(watched), _label(watched.period, f"(now.period_number - {lag})")
    if shares:
        parts.append(
            f"shares as ({' union all '.join(shares)}), "
            # Each count stands once as that of its period and once as the one that the period after is compared with.
            "sides as (select series, period_number, what, member, vintage_id, counted as n, 0 as before from shares"
            f" union all select series, period_number + {lag}, what, member, null, 0, counted from shares), "
            "paired as (select series, period_number, what, member, max(vintage_id) as own_vintage_id,"
            " sum(n) as n, sum(before) as before from sides group by all), "
            "totals as (select *, max(own_vintage_id) over w as vintage_id, sum(n) over w as all_n,"
            " sum(before) over w as all_before from paired window w as (partition by series, period_number, what))"
        )
        found.append(
            f"select now.vintage_id, {said} || ': ' || what || ' is far '"
            " || if(n * all_before > before * all_n, 'more', 'less') || ' often '"
            f" || member || ' than in ' || {before} as detail"
            " from totals as now join spans using (series)"
            f" where {judged} and all_n >= {fewest:g} and all_before >= {fewest:g}"
            f" and 100 * abs(n / all_n - before / all_before) > {points:g}"
            f" and abs(n / all_n - before / all_before) > {deviations:g} * sqrt("
            "(n + before) / (all_n + all_before) * (1 - (n + before) / (all_n + all_before))"
            " * (1 / all_n + 1 / all_before))"
        )
    if means:
        by = ", ".join(["series", "period_number", *told_apart])
        parts.append(
            "means as (select * exclude (found), unnest(found) from ("
            f"select {by}, mode(file_vintage_id) as vintage_id, unnest([{', '.join(means)}]) as found"
            f" from placed group by {by}) as listed)"
        )
        moved = numbers["mean_moves_deviations"]
        found.append(
            f"select now.vintage_id, {said} || ': ' || what || ' is far '"
            f" || if(now.mean > was.mean, 'higher', 'lower') || ' than in ' || {before} as detail"
            " from means as now join means as was using (series, what, is_published) join spans using (series)"
            f" where was.period_number = now.period_number - {lag} and {judged} and case when is_published"
            " then least(now.counted, was.counted) >= 5 and least(now.mean, was.mean) >= 0"
            f" and greatest(now.mean, was.mean) > {factor:g} * least(now.mean, was.mean)"
            f" else least(now.counted, was.counted) >= {fewest:g}"
            f" and abs(now.mean - was.mean) > {moved:g} * sqrt((now.variance + was.variance) / 2)"
            f" and abs(now.mean - was.mean)"
            f" > {deviations:g} * sqrt(now.variance / now.counted + was.variance / was.counted) end"
        )
    return _check(
        "distribution_as_before",
        f"No share of a code moves by more than {points:g} points, no mean by more than its spread,"
        f" and no published figure by the factor {factor:g}, against the period that it is compared with.",
        f"{', '.join(parts)} {' union all '.join(found)}",
    )


def _mean(what: str, value: str, *, is_published: bool = False) -> str:
    return (
        f"{{'what': {what}, 'mean': avg({value})::double, 'variance': var_samp({value}), 'counted': count({value}),"
        f" 'is_published': {is_published}}}"
    )


def _no_gap(contract: Contract, watched: Watched) -> Check:
    numbers = load_thresholds().of(contract.dataset, "no_period_missing")
    return _check(
        "no_period_missing",
        "No single period between the first and the last, nor a year, is without rows.",
        f"{_placed(watched)}, held as (select series, period_number, count(*) as counted,"
        " mode(file_vintage_id) as vintage_id from placed where period_number is not null group by all),"
        " followed as (select *, lead(period_number) over (partition by series order by period_number) as next_number,"
        " lead(vintage_id) over (partition by series order by period_number) as next_vintage_id,"
        " avg(counted) over (partition by series) as usual from held)"
        f" select next_vintage_id as vintage_id, {_said(watched, 'missing_number')} || ' has no rows' as detail"
        " from (select *, unnest(range(period_number + 1, next_number)) as missing_number from followed"
        # What is missing for longer is a series that was broken off and begun again.
        f" where next_number - period_number <= {_lag(watched) + 1}) as now"
        f" join spans using (series) where usual >= {numbers['fewest']:g}"
        f" and missing_number > last_number - {numbers['cycles'] * _lag(watched):g}",
    )


def _scores(contract: Contract) -> Check:
    numbers = load_thresholds().of(contract.dataset, "scores_are_spread")
    return _check(
        "scores_are_spread",
        f"In no file more than {numbers['at_one_end_percent']:g} % of the scores are the highest or the lowest.",
        "select file_vintage_id as vintage_id, 'nearly every score is ' || mode(score) as detail from checked"
        f" where score is not null group by file_vintage_id having count(*) >= {numbers['fewest']:g}"
        f" and 100 * greatest(count(*) filter (score = 1), count(*) filter (score >= 5))"
        f" > {numbers['at_one_end_percent']:g} * count(*)",
    )


def _organisations(contract: Contract, watched: Watched, organisation: str) -> Check:
    numbers = load_thresholds().of(contract.dataset, "organisations_as_before")
    person = _person(contract)
    weight = f"count(distinct {name(person)})" if person else "count(*)"
    asked = _asked(contract, organisation)
    all_asked = "" if asked is None else f" having bool_and({asked})"
    least = numbers["had_percent"]
    return _check(
        "organisations_as_before",
        f"The organisations that had {least:g} % of a period between them are not all missing from the one after it.",
        f"{_placed(watched)}, held as (select series, period_number, {name(organisation)} as organisation,"
        f" {weight} as counted from placed where {name(organisation)} is not null group by all),"
        " periods as (select series, period_number, mode(file_vintage_id) as vintage_id from placed group by all"
        f"{all_asked})"
        f" select any_value(now.vintage_id) as vintage_id, any_value({_said(watched)}) || ': nothing of '"
        " || count(*) filter (still.organisation is null) || ' of ' || count(*) || ' organisations before' as detail"
        " from periods as now join spans using (series) join held as was"
        f" on was.series = now.series and was.period_number = now.period_number - {_lag(watched)}"
        " left join held as still on still.series = now.series and still.period_number = now.period_number"
        " and still.organisation = was.organisation"
        f" where {_worth_judging(watched, numbers['cycles'])} group by now.series, now.period_number"
        f" having sum(was.counted) >= {numbers['fewest']:g}"
        f" and 100 * sum(was.counted) filter (still.organisation is null) >= {least:g} * sum(was.counted)",
    )


def _waves(contract: Contract, watched: Watched, column: str) -> Check:
    numbers = load_thresholds().of(contract.dataset, "waves_follow_each_other")
    return _check(
        "waves_follow_each_other",
        "Half of a wave's answers came later than half of those of the wave before.",
        f"{_placed(watched)}, held as (select series, period_number, median({name(column)}) as middle,"
        " count(distinct respondent_id) as counted, mode(file_vintage_id) as vintage_id from placed group by all)"
        f" select now.vintage_id, {_said(watched)} || ' was answered no later than the wave before' as detail"
        " from held as now join held as was using (series)"
        " where was.period_number = now.period_number - 1 and now.middle <= was.middle"
        f" and least(now.counted, was.counted) >= {numbers['fewest']:g}",
    )


def _own_year(contract: Contract, column: str) -> Check:
    numbers = load_thresholds().of(contract.dataset, "year_has_its_own_rows")
    return _check(
        "year_has_its_own_rows",
        f"Of every return some rows have a {column} in its own year.",
        "select file_vintage_id as vintage_id, 'collection year ' || collection_year as detail from checked"
        " group by file_vintage_id, collection_year"
        f" having count(*) >= {numbers['fewest']:g} and max({name(column)}) < make_date(collection_year - 1, 4, 1)",
    )


def _areas(contract: Contract, watched: Watched) -> Check:
    return _check(
        "own_areas_are_covered",
        "The newest period has the home's own authority, and its region and country where an earlier one had them.",
        f"{_placed(watched)}, newest as (select series, mode(file_vintage_id) as vintage_id from placed"
        " join spans using (series) where period_number = last_number group by series)"
        f" select vintage_id, {_said(watched, 'last_number')}"
        " || ' has no rows of ' || level || ' ' || home_areas.area_code as detail"
        " from newest as now join spans using (series) cross join home_areas"
        " where (level = 'authority' or exists (select 1 from placed where placed.series = now.series"
        " and placed.area_code = home_areas.area_code))"
        " and not exists (select 1 from placed where placed.series = now.series"
        " and placed.period_number = last_number and placed.area_code = home_areas.area_code)",
    )


def _schools(contract: Contract, column: str) -> Check:
    numbers = load_thresholds().of(contract.dataset, "schools_in_register")
    return _check(
        "schools_in_register",
        f"At least {numbers['known_percent']:g} % of the rows of every file name a school of the register.",
        "select file_vintage_id as vintage_id, count(distinct school) filter (not is_known)"
        " || ' that the register does not know' as detail"
        f" from (select file_vintage_id, {name(column)} as school,"
        f" lower(trim(regexp_replace({name(column)}, '\\s+', ' ', 'g'))) in (select known_as from registered_names)"
        f" as is_known from checked) as named group by file_vintage_id having count(*) >= {numbers['fewest']:g}"
        f" and 100 * count(*) filter (is_known) < {numbers['known_percent']:g} * count(*)",
    )
