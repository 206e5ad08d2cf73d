"""The expectations on the marts: what a reader of the publication may rely on, proved on the tables themselves.

``checked`` is the mart; other tables stand under ``warehouse`` with their schema, ``ledger`` is the export of the
ledger. Figures are proved from what stands in the mart and in the registry, not from the models that made them.
"""

from __future__ import annotations

from functools import cache

from expectations.checks import Check, literal, literals, name
from expectations.results import Owner, Severity
from ingestion.contracts import load_contracts

#: The member that stands for "not split" in every dimension of a value.
TOTAL = "total"
STATUSES = ("ok", "c", "k", "x", "z", "u")
#: Statements, stages and cells of the frameworks that ship; a partnership's own come on top.
SHIPPED_NODES = {"tip_borough": 61, "nttp_logic_model": 30}
#: Printed and computed figures are compared up to this, for values that are stored as floating point.
TINY = 1e-9

KEY = (
    "indicator_id",
    "source_dataset",
    "area_code",
    "sector",
    "organisation_id",
    "breakdown",
    "breakdown_value",
    "period_type",
    "period",
)

#: Marts that each show layers of frameworks, with the latest values; which layers, the registry says.
FRAME_MARTS = (
    "inputs", "activities", "short_term_outcomes", "medium_term_outcomes", "long_term_outcomes", "national_outcomes",
    "theory_of_change", "feature_outcomes", "change_journey", "measurement_framework",
)  # fmt: skip
#: What may be said of a series as it stands, and of a point on a chart.
TRENDS = (
    "improving", "worsening", "increasing", "decreasing", "no_significant_change", "cannot_be_calculated",
)  # fmt: skip
#: What may be said of a statement.
NODE_STATUSES = (
    "improving", "no clear change", "worsening", "mixed", "too few data points", "not yet measured", "declared gap",
)  # fmt: skip
_FRAME_COLUMNS = (
    "framework_id", "layer", "node_id", "statement", "indicator_id", "indicator_name", "unit", "polarity",
    *(column for column in KEY if column != "indicator_id"), "numerator", "denominator", "value", "value_status",
    "previous_period", "previous_value", "change", "direction", "direction_basis", "measurement_status", "declared_gap",
)  # fmt: skip

#: Columns that the public interface promises, by mart; a mart may have more.
PROMISED_COLUMNS: dict[str, tuple[str, ...]] = {
    "indicators": (
        "indicator_id", "name", "definition", "numerator_definition", "denominator_definition", "unit", "polarity",
        "level", "objective", "cadence", "source_dataset", "owner", "baseline_period", "target_value", "target_date",
        "target_decided_by", "target_decided_date", "disclosure_rule", "next_expected_date",
    ),
    "framework_nodes": (
        "framework_id", "node_id", "layer", "layer_order", "statement", "feature", "population",
    ),
    "indicator_nodes": ("indicator_id", "framework_id", "node_id"),
    "areas": ("area_code",),
    "organisations": ("organisation_id",),
    "sectors": ("sector_code",),
    "periods": ("period_type", "period", "period_start", "period_end"),
    "indicator_values": (
        *KEY, "period_start", "period_end", "numerator", "denominator", "value", "value_status", "ci_lower_95",
        "ci_upper_95", "ci_lower_998", "ci_upper_998", "trend", "trend_method", "trend_reason", "signal", "is_latest",
    ),
    "value_vintages": (*KEY, "vintage_id"),
    "framework_links": ("framework_id", "from_node_id", "to_framework_id", "to_node_id", "basis", "reason"),
    "node_status": ("framework_id", "node_id", "status", "indicator_count", "declared_gap"),
    **dict.fromkeys(FRAME_MARTS, _FRAME_COLUMNS),
    "comparisons": (
        *KEY, "is_latest", "comparator", "comparator_area_code", "comparator_period", "value", "comparator_value",
        "comparator_status", "difference", "difference_lower_95", "difference_upper_95", "verdict", "rank", "quartile",
        "ranked_areas", "progress",
    ),
    "inequalities": (
        *KEY, "is_latest", "comparator_breakdown_value", "value", "comparator_value", "comparator_status",
        "absolute_gap", "absolute_gap_lower_95", "absolute_gap_upper_95", "relative_gap", "relative_gap_lower_95",
        "relative_gap_upper_95", "verdict",
    ),
    "control_limits": (
        *(column for column in KEY if column != "period"), "first_period", "last_period", "is_latest", "mean",
        "lower_limit", "upper_limit", "limit_points", "is_provisional", "signal_points", "baseline_reason",
        "decided_by", "decided_date",
    ),
    "expected_submissions": (
        "dataset", "supplier_role", "organisation_id", "organisation_name", "period_type", "period", "period_start",
        "period_end", "due_date", "status", "received_at", "days_late",
    ),
}  # fmt: skip

#: Marts in the order of their checks.
MARTS = tuple(PROMISED_COLUMNS)
#: A home without a register of organisations has no organisations, one with a single period and no published figures
#: has nothing to compare, one without figures of groups has no gaps, one without five months, quarters or terms has
#: no charts, and one that has received nothing that is expected regularly waits for nothing; all are told so. Every
#: other mart must have rows.
MAY_BE_EMPTY = ("organisations", "comparisons", "inequalities", "control_limits", "expected_submissions")

_MODELS_WRONG = "The publication before this one stays in force. Correct the model and run again."
_SEEDS_WRONG = "Correct the seeds of the dbt project and run again."


def has_rows(mart: str) -> Check:
    """The check that a mart is there and holds rows; the one that speaks for a mart that is missing."""
    return Check(
        rule="has_rows",
        description=f"The mart {mart} is there and holds rows.",
        remedy="See whether its models were built, and whether anything has landed for them.",
        sql="select 'no rows' as detail from (select count(*) as n from checked) as counted where n = 0",
        severity="warning" if mart in MAY_BE_EMPTY else "error",
        owner="data engineer",
        reason="An empty table would be published as if there were nothing to say.",
    )


@cache
def mart_checks(mart: str) -> tuple[Check, ...]:
    """The checks on one mart.

    Raises:
        KeyError: it is none of ``MARTS``.
    """
    checks = [has_rows(mart), _columns_as_promised(mart)]
    if mart in FRAME_MARTS:
        return (*checks, *_frame_checks(mart))
    return (*checks, *_CHECKS[mart])


def published_sources() -> list[str]:
    """Datasets whose figures are public already, and pass through as published."""
    return [dataset for dataset, contract in load_contracts().items() if not contract.licence.startswith("Not ")]


def _columns_as_promised(mart: str) -> Check:
    promised = ", ".join(f"({literal(column)})" for column in PROMISED_COLUMNS[mart])
    return Check(
        rule="columns_as_promised",
        description=f"The mart {mart} has every column that the public interface promises.",
        remedy=_MODELS_WRONG,
        sql=f"select 'column ' || promised.name || ' is missing' as detail from (values {promised}) as promised (name)"
        " where promised.name not in (select column_name from duckdb_columns()"
        f" where database_name = 'warehouse' and schema_name = 'marts' and table_name = {literal(mart)})",
        owner="data engineer",
        reason="Readers' reports and queries rest on these columns and break without them.",
    )


def _unique(*key: str) -> Check:
    columns = ", ".join(name(column) for column in key)
    return Check(
        rule="key_unique",
        description=f"No two rows have the same {', '.join(key)}.",
        remedy=_MODELS_WRONG,
        sql=f"select concat_ws(' / ', {columns}) as detail from checked group by {columns} having count(*) > 1",
        owner="data engineer",
        reason="Whoever joins or adds up the table would count what stands there twice.",
    )


def _complete(*key: str) -> Check:
    empty = " or ".join(f"coalesce({name(column)}::varchar, '') = ''" for column in key)
    columns = ", ".join(name(column) for column in key)
    return Check(
        rule="key_complete",
        description=f"Every row has its {', '.join(key)}.",
        remedy=_MODELS_WRONG,
        sql=f"select concat_ws(' / ', {columns}, '(incomplete)') as detail from checked where {empty}",
        owner="data engineer",
        reason="A row without its whole key belongs to nothing, and is lost or misplaced in a join.",
    )


def _known(
    rule: str, column: str, member: str, mart: str, *, owner: Owner, reason: str, or_total: bool = False
) -> Check:
    total = f" and {name(column)} <> {literal(TOTAL)}" if or_total else ""
    return Check(
        rule=rule,
        description=f"Every {column} is in the mart {mart}.",
        remedy=_MODELS_WRONG,
        sql=f"select distinct {name(column)} as detail from checked"
        f" where {name(column)} not in (select {name(member)} from warehouse.marts.{mart}){total}",
        owner=owner,
        reason=reason,
    )


def _frame_checks(mart: str) -> tuple[Check, ...]:
    nodes = (
        "(select framework_id, node_id from warehouse.marts.framework_nodes"
        " join warehouse.staging.stg_registry__framework_layers using (framework_id, layer)"
        f" where mart = {literal(mart)})"
    )
    node = "framework_id || ' ' || node_id"
    # Like is compared with like, so the value before has the same key but for its period.
    before = ", ".join(column for column in KEY if column != "period")
    shown = (
        f"(select {before}, period as previous_period, value as previous_value from warehouse.marts.indicator_values)"
    )
    return (
        _unique("framework_id", "node_id", "indicator_id", "sector", "organisation_id", "breakdown", "breakdown_value"),
        Check(
            rule="every_node_of_layer",
            description=f"Every statement of the layers of {mart} is there, measured or not.",
            remedy=_MODELS_WRONG,
            sql=f"select {node} as detail from {nodes} as nodes anti join checked using (framework_id, node_id)",
            owner="analyst",
            reason="A statement that is missing looks as if nobody had promised it.",
        ),
        Check(
            rule="only_nodes_of_layer",
            description=f"Every row is about a statement of the layers of {mart}.",
            remedy=_MODELS_WRONG,
            sql=f"select coalesce({node}, 'a row without node') as detail from checked"
            f" anti join {nodes} as nodes using (framework_id, node_id)",
            owner="analyst",
            reason="A statement under another layer is read as something that it is not.",
        ),
        Check(
            rule="figures_as_in_indicator_values",
            description="Every figure is that of indicator_values, the value before it too: nothing else is shown.",
            remedy=_MODELS_WRONG,
            sql=f"select distinct {node} || ': ' || indicator_id as detail from ("
            f" select framework_id, node_id, {', '.join(KEY)}, numerator, denominator, value from checked"
            " where coalesce(numerator, denominator, value) is not null) as figures"
            " anti join warehouse.marts.indicator_values as shown on "
            + " and ".join(
                f"figures.{column} is not distinct from shown.{column}"
                for column in (*KEY, "numerator", "denominator", "value")
            )
            + f" union select distinct {node} || ': ' || indicator_id from checked"
            f" anti join {shown} as shown using ({before}, previous_period, previous_value)"
            " where previous_value is not null",
            owner="disclosure officer",
            reason="A figure that stands only here has not passed disclosure control.",
        ),
        Check(
            rule="direction_needs_two_values",
            description="A value is called improving or worsening only where it and the one before it are shown.",
            remedy=_MODELS_WRONG,
            sql=f"select {node} || ': ' || indicator_id as detail from checked"
            " where direction in ('improving', 'worsening') and (value is null or previous_value is null)",
            owner="analyst",
            reason="A direction without both values is a judgement that nobody can check, or tells a hidden one.",
        ),
    )


def _value(
    rule: str,
    description: str,
    condition: str,
    remedy: str = _MODELS_WRONG,
    severity: Severity = "error",
    *,
    owner: Owner,
    reason: str,
) -> Check:
    """A check on the rows of ``indicator_values``, with their row of the registry as ``registry``."""
    return Check(
        rule=rule,
        description=description,
        remedy=remedy,
        sql=f"select concat_ws(' / ', {', '.join('checked.' + name(column) for column in KEY)}) as detail"
        " from checked left join warehouse.staging.stg_registry__indicators as registry using (indicator_id)"
        f" where {condition}",
        severity=severity,
        owner=owner,
        reason=reason,
    )


def _value_checks() -> tuple[Check, ...]:
    own = f"source_dataset not in {literals(['', *published_sources()])}"
    half_a_step = f"(0.5 * pow(10, -coalesce(decimals, 0)) + {TINY})"
    intervals = ("ci_lower_95", "ci_upper_95", "ci_lower_998", "ci_upper_998")
    outside = f"(ci_lower_95 > value + {half_a_step} or ci_upper_95 < value - {half_a_step})"
    any_interval = " or ".join(f"{column} is not null" for column in intervals)
    key_without_period = ", ".join(column for column in KEY if column != "period")
    one_key = f"concat_ws(' / ', {key_without_period})"
    shared = ", ".join(column for column in KEY if column not in ("sector", "organisation_id"))
    whole_key = f"concat_ws(' / ', {', '.join('whole.' + name(column) for column in KEY)})"
    disclosure = "Nothing is published until this is mended: it could tell about a person."
    return (
        _complete(*KEY, "period_start", "period_end"),
        _unique(*KEY),
        _known(
            "indicator_known",
            "indicator_id",
            "indicator_id",
            "indicators",
            owner="data engineer",
            reason="A value that belongs to no indicator has no definition.",
        ),
        _known(
            "area_known",
            "area_code",
            "area_code",
            "areas",
            owner="data engineer",
            reason="A value of an unknown place is lost in every join.",
        ),
        _known(
            "sector_known",
            "sector",
            "sector_code",
            "sectors",
            or_total=True,
            owner="data engineer",
            reason="A value of an unknown sector is lost in every join.",
        ),
        _known(
            "organisation_known",
            "organisation_id",
            "organisation_id",
            "organisations",
            or_total=True,
            owner="data engineer",
            reason="A value of an unknown organisation is lost in every join.",
        ),
        _value(
            "source_registered",
            "Every value comes from a source that the registry names for its indicator.",
            "(indicator_id, source_dataset) not in"
            " (select (indicator_id, source_dataset) from warehouse.staging.stg_registry__indicator_sources)",
            owner="data engineer",
            reason="A source that the registry does not name has no rank, no licence and no disclosure rule.",
        ),
        _value(
            "period_known",
            "Every period is in the mart periods with the same start and end, and starts before it ends.",
            "period_start > period_end or (period_type, period, period_start, period_end) not in"
            " (select (period_type, period, period_start, period_end) from warehouse.marts.periods)",
            owner="data engineer",
            reason="A value in a period with other days stands in the wrong place on every chart.",
        ),
        _value(
            "status_known",
            f"Every value has one of the statuses {', '.join(STATUSES)}.",
            f"value_status is null or value_status not in {literals(STATUSES)}",
            owner="analyst",
            reason="A word that nobody has explained will be read as anything.",
        ),
        _value(
            "value_exactly_where_ok",
            "There is a value exactly where the status is ok.",
            "(value is not null) <> (coalesce(value_status, '') = 'ok')",
            owner="disclosure officer",
            reason="A value beside another status may be one that must not be shown.",
        ),
        _value(
            "value_rounded",
            "Every value has no more decimals than its indicator declares.",
            f"abs(value - round(value, decimals::integer)) > {TINY}",
            owner="data engineer",
            reason="More decimals than are declared claim a precision that is not there, and give counts away.",
        ),
        _value(
            "value_follows_from_counts",
            "Every value of our own sources is its numerator over its denominator, rounded; a count is its numerator.",
            f"{own} and value is not null and case when measure_type = 'count'"
            " then value is distinct from numerator"
            " else numerator is null or denominator is null or denominator <= 0"
            f" or abs(value - multiplier * numerator / denominator) > {half_a_step} end",
            owner="data engineer",
            reason="A rate that its counts do not give is wrong.",
        ),
        _value(
            "proportion_in_range",
            "Every percentage lies between 0 and 100, and no numerator of our own sources exceeds its denominator.",
            "measure_type = 'proportion' and (value not between 0 and 100"
            f" or ({own} and value_status = 'ok' and numerator > denominator)"
            f" or {' or '.join(f'{column} not between 0 and 100' for column in intervals)})",
            owner="data engineer",
            reason="A share outside 0 to 100 is impossible, so something was counted wrongly.",
        ),
        _value(
            "not_negative",
            "No value, numerator or denominator is negative.",
            "value < 0 or numerator < 0 or denominator < 0",
            owner="data engineer",
            reason="Nothing that is counted here can be below nought.",
        ),
        _value(
            "interval_holds_value",
            "Every interval of our own sources holds its value, and every wider interval holds the narrower.",
            f"({own} and {outside})"
            f" or ci_lower_998 > ci_lower_95 + {TINY} or ci_upper_998 < ci_upper_95 - {TINY}"
            " or (ci_lower_95 is null) <> (ci_upper_95 is null) or (ci_lower_998 is null) <> (ci_upper_998 is null)"
            f" or (value is null and ({any_interval}))",
            owner="data engineer",
            reason="An interval that does not hold its value was worked out from something else.",
        ),
        _value(
            "published_figures_agree",
            "Every published percentage agrees with the counts published beside it.",
            f"not {own} and value_status = 'ok' and measure_type = 'proportion'"
            f" and (numerator > denominator or {outside})",
            "Tell the publisher; the figure stays as published.",
            severity="warning",
            owner="analyst",
            reason="A slip of the publisher is passed on, so readers must know of it.",
        ),
        _value(
            "suppressed_shows_nothing",
            "A suppressed value of our own sources shows neither value, numerator nor interval.",
            f"{own} and value_status = 'c' and (value is not null or numerator is not null or {any_interval})",
            disclosure,
            owner="disclosure officer",
            reason="What is hidden must be hidden in every column.",
        ),
        _value(
            "no_small_count",
            "No count of 1 to 5 people is shown, nor can be had from two that are (the limit is the registry's).",
            f"{own} and disclosure_unit = 'person' and (numerator between 1 and minimum_count"
            " or denominator between 1 and minimum_count"
            " or (measure_type = 'proportion' and denominator - numerator between 1 and minimum_count))",
            disclosure,
            owner="disclosure officer",
            reason="Of so few people somebody may be recognised.",
        ),
        _value(
            "minimum_base_kept",
            "No figure is shown on fewer people than the registry's minimum base.",
            f"{own} and value_status = 'ok' and minimum_base is not null and coalesce(denominator, 0) < minimum_base",
            disclosure,
            owner="disclosure officer",
            reason="In a group as small as that a share tells what single people said.",
        ),
        _value(
            "trend_of_the_latest",
            "Every latest value says what its series says, and no other does.",
            f"(trend is not null) <> is_latest or trend not in {literals(TRENDS)}"
            " or (trend is null) <> (trend_method is null)",
            owner="analyst",
            reason="A verdict beside another period than the latest is read as today's.",
        ),
        _value(
            "trend_says_why_not",
            "A trend that cannot be calculated says why, and one that can is of a value that is shown.",
            "(trend_reason is not null) <> (coalesce(trend, '') = 'cannot_be_calculated')"
            " or (trend_reason is null and trend is not null and value is null)"
            " or (signal is not null and value is null)",
            owner="analyst",
            reason="A trend that is missing without a reason looks like one that was overlooked.",
        ),
        Check(
            rule="mean_beside_hidden_count",
            description="No mean has an interval beside a hidden count of the same people: how they scatter tells it.",
            remedy=disclosure,
            sql=f"select concat_ws(' / ', {', '.join('checked.' + name(column) for column in KEY)}) as detail"
            " from checked join warehouse.staging.stg_registry__indicators as registry using (indicator_id)"
            " join warehouse.staging.stg_registry__count_relations as related using (indicator_id)"
            " join warehouse.marts.indicator_values as other on other.indicator_id = related.other_indicator_id and "
            + " and ".join(f"checked.{name(c)} = other.{name(c)}" for c in KEY if c != "indicator_id")
            + f" where measure_type = 'mean' and related.relation = 'equals' and other.value_status = 'c'"
            f" and ({' or '.join(f'checked.{column} is not null' for column in intervals)})",
            owner="disclosure officer",
            reason="From the interval of a mean the number of people behind it can be worked out.",
        ),
        Check(
            rule="parts_within_their_total",
            description="What organisations count together is no more than their sector, and sectors than the area.",
            remedy=_MODELS_WRONG,
            owner="data engineer",
            reason="A join that doubles rows shows where parts outgrow their whole. People count in each of their"
            " sectors and once in the area, so only answers, events, organisations and counts are held to it.",
            sql=f"select {whole_key} as detail from (select {shared},"
            " if(organisation_id = 'total', 'total', sector) as whole_sector, sum(numerator) as numerators,"
            " sum(denominator) as denominators"
            " from checked join warehouse.staging.stg_registry__indicators as registry using (indicator_id)"
            " where sector <> 'total' and (disclosure_unit in ('event', 'organisation', 'respondent')"
            f" or measure_type = 'count') group by all) as parts join checked as whole using ({shared})"
            " where whole.organisation_id = 'total' and whole.sector = whole_sector"
            " and (numerators > whole.numerator or denominators > whole.denominator)",
        ),
        Check(
            rule="one_latest_per_key",
            description="Every series has exactly one latest value, and none of its values is later.",
            remedy=_MODELS_WRONG,
            sql=f"select {one_key} as detail from checked group by {key_without_period}"
            " having count(*) filter (is_latest) <> 1"
            " or max(period_end) <> max(period_end) filter (is_latest)",
            owner="analyst",
            reason="The latest value is what every report shows first.",
        ),
        Check(
            rule="rests_on_vintages",
            description="Every value names the file vintages that it rests on.",
            remedy=_MODELS_WRONG,
            sql=f"select concat_ws(' / ', {', '.join(KEY)}) as detail from checked"
            f" anti join warehouse.marts.value_vintages using ({', '.join(KEY)})",
            owner="data engineer",
            reason="A figure that names no file cannot be explained or withdrawn.",
        ),
    )


def _chart_checks() -> tuple[Check, ...]:
    series = [column for column in KEY if column != "period"]
    row = f"concat_ws(' / ', {', '.join([*series, 'first_period'])})"
    # What a reader can work out from the mart alone: the points of a chart are the values of its periods.
    points = (
        f"(select {', '.join('checked.' + name(column) for column in series)}, first_period, limit_points, lower_limit,"
        " upper_limit, signal_points, mean, shown.value, shown.signal from checked"
        " join warehouse.marts.periods as first on first.period_type = checked.period_type"
        " and first.period = checked.first_period"
        " join warehouse.marts.periods as last on last.period_type = checked.period_type"
        " and last.period = checked.last_period"
        " join warehouse.marts.indicator_values as shown on "
        + " and ".join(f"shown.{name(column)} = checked.{name(column)}" for column in series)
        + " where shown.period_start between first.period_start and last.period_start)"
    )
    slack = f"{TINY} * (1 + abs(value))"
    return (
        _complete(*series, "first_period", "last_period"),
        _unique(*series, "first_period"),
        Check(
            rule="charts_are_of_what_is_shown",
            description="Every chart rests on as many values as are shown at most, and on all of them has their mean.",
            remedy=_MODELS_WRONG,
            sql=f"select {row} as detail from {points} as points"
            f" group by {', '.join(series)}, first_period, limit_points, signal_points, mean"
            " having count(value) < limit_points or count(signal) <> signal_points"
            f" or (count(value) = limit_points and abs(avg(value) - mean) > {TINY} * (1 + abs(mean)))"
            f" union all select {row} from checked anti join {points} as points"
            f" using ({', '.join(series)}, first_period)",
            owner="disclosure officer",
            reason="A chart made of hidden points tells what they are.",
        ),
        Check(
            rule="beyond_limits_is_a_signal",
            description="The points beyond the limits of their chart, and no others, are called so.",
            remedy=_MODELS_WRONG,
            sql=f"select {row} as detail from {points} as points"
            f" where (coalesce(signal, '') = 'above_upper_limit') <> (value > upper_limit + {slack})"
            f" or (coalesce(signal, '') = 'below_lower_limit') <> (value < lower_limit - {slack})",
            owner="analyst",
            reason="A signal calls for action, and one that is missing hides a change.",
        ),
    )


def _decisions_take_effect() -> Check:
    """A target or a new baseline that suits no figure is recorded, and does nothing: nobody would notice."""
    own = (
        "(select shown.* from warehouse.marts.indicator_values as shown"
        " join warehouse.staging.stg_home__settings as settings on shown.area_code = settings.authority_code)"
    )
    scope = " and ".join(
        f"(charts.{column} is null or charts.{column} = shown.{column})"
        for column in ("area_code", "sector", "organisation_id")
    )
    return Check(
        rule="decisions_take_effect",
        description="Every target has a figure in its baseline period, or is set beside one, and every new baseline of"
        " a chart begins and ends in periods of its series.",
        remedy="Correct the row in decisions/indicator_targets.csv, decisions/control_baselines.csv or the own"
        " indicators.csv, or wait until the period has come; until then the decision does nothing.",
        sql="select targets.indicator_id || ' is to be ' || targets.target_value::double || ' from '"
        " || targets.baseline_period || ' on, a period in which no figure of the whole area is shown' as detail"
        f" from checked as targets anti join {own} as shown on shown.indicator_id = targets.indicator_id"
        " and shown.period = targets.baseline_period and shown.value is not null and shown.sector = 'total'"
        " and shown.organisation_id = 'total' and shown.breakdown = 'total'"
        " where targets.target_value is not null and targets.baseline_period is not null"
        " union all select targets.indicator_id || ' is to be ' || targets.target_value::double || ', beside which no"
        " figure of its kind of period is shown' from checked as targets anti join"
        " (select indicator_id from warehouse.marts.comparisons where comparator = 'target') as compared"
        " using (indicator_id) where targets.target_value is not null and targets.baseline_period is null"
        " union all select charts.indicator_id || ' has a new baseline ' || charts.at || ' ' || charts.period || ', a"
        " period of none of its series in ' || concat_ws(', ', coalesce(charts.area_code, 'every area'),"
        " coalesce('sector ' || charts.sector, 'every sector'),"
        " coalesce('organisation ' || charts.organisation_id, 'every organisation')) from ("
        "select *, 'from' as at, first_period as period from warehouse.staging.stg_home__control_baselines"
        " union all select *, 'up to', last_period from warehouse.staging.stg_home__control_baselines"
        " where last_period is not null) as charts anti join warehouse.marts.indicator_values as shown"
        f" on shown.indicator_id = charts.indicator_id and shown.period = charts.period and {scope}",
        severity="warning",
        owner="analyst",
        reason="A decision that suits no figure does nothing, and whoever took it believes that it does.",
    )


def _comparison_checks(key: tuple[str, ...], other_key: dict[str, str], difference: str) -> tuple[Check, ...]:
    """Checks on a mart that sets values beside others.

    ``other_key`` says which columns of the mart name the other value where it is not one of the same key.
    """
    row = f"concat_ws(' / ', {', '.join('checked.' + name(column) for column in key)})"
    same_other = " and ".join(f"checked.{name(other_key.get(column, column))} = other.{name(column)}" for column in KEY)
    has_other = " and ".join(f"checked.{name(column)} is not null" for column in other_key.values())
    bounds = " or ".join(f"{difference}{bound} is not null" for bound in ("", "_lower_95", "_upper_95"))
    return (
        _complete(*key, "verdict"),
        _unique(*key),
        Check(
            rule="figures_as_published",
            description="Both figures of every comparison are those in the mart indicator_values, and shown there.",
            remedy="Nothing is published until this is mended: it could tell about a person.",
            sql=f"select {row} as detail from checked"
            f" left join warehouse.marts.indicator_values as own using ({', '.join(KEY)})"
            f" left join warehouse.marts.indicator_values as other on {same_other}"
            " where checked.value is distinct from own.value"
            f" or ({has_other} and checked.comparator_value is distinct from other.value)",
            owner="disclosure officer",
            reason="A comparison that shows another figure than the table may show a hidden one.",
        ),
        Check(
            rule="judged_by_what_is_shown",
            description="No verdict stands without both figures, and a difference is the one less the other.",
            remedy=_MODELS_WRONG,
            sql=f"select {row} as detail from checked"
            f" where (comparator_value is null and (verdict <> 'cannot_be_calculated' or {bounds}))"
            f" or abs({difference} - (value - comparator_value)) > {TINY}",
            owner="disclosure officer",
            reason="A verdict without its figures tells something about what is hidden.",
        ),
    )


_CHECKS: dict[str, tuple[Check, ...]] = {
    "comparisons": _comparison_checks(
        (*KEY, "comparator"), {"area_code": "comparator_area_code", "period": "comparator_period"}, "difference"
    ),
    "control_limits": _chart_checks(),
    "inequalities": _comparison_checks(KEY, {"breakdown_value": "comparator_breakdown_value"}, "absolute_gap"),
    "indicators": (
        _complete("indicator_id", "name", "unit", "polarity"),
        _unique("indicator_id"),
        Check(
            rule="every_indicator_has_a_node",
            description="Every indicator speaks to a statement of a framework.",
            remedy=_SEEDS_WRONG,
            sql="select indicator_id as detail from checked"
            " where indicator_id not in (select indicator_id from warehouse.marts.indicator_nodes)",
            owner="analyst",
            reason="An indicator without a statement measures nothing that was promised.",
        ),
        _decisions_take_effect(),
    ),
    "framework_nodes": (
        _complete("framework_id", "node_id", "layer", "statement"),
        _unique("framework_id", "node_id"),
        Check(
            rule="all_statements_there",
            description="Every statement of the frameworks that ship is there: "
            + " and ".join(f"{n} of {framework}" for framework, n in SHIPPED_NODES.items())
            + ".",
            remedy=_SEEDS_WRONG,
            sql="select shipped.framework_id || ': ' || count(checked.node_id) || ' of ' || nodes as detail"
            f" from (values {', '.join(f'({literal(f)}, {n})' for f, n in SHIPPED_NODES.items())})"
            " as shipped (framework_id, nodes) left join checked using (framework_id)"
            " group by shipped.framework_id, nodes having count(checked.node_id) <> nodes",
            owner="analyst",
            reason="A statement that is missing looks as if nobody had promised it.",
        ),
        Check(
            rule="measured_or_declared_gap",
            description="Every statement has an indicator or a declared gap with its reason.",
            remedy=_SEEDS_WRONG,
            sql="select framework_id || ' ' || node_id as detail from checked where (framework_id, node_id) not in ("
            " select (framework_id, node_id) from warehouse.marts.indicator_nodes union all"
            " select (framework_id, node_id) from warehouse.staging.stg_registry__framework_gaps"
            " where trim(reason) <> '')",
            owner="analyst",
            reason="What is neither measured nor declared a gap is silently left out.",
        ),
    ),
    "indicator_nodes": (
        _complete("indicator_id", "framework_id", "node_id"),
        _unique("indicator_id", "framework_id", "node_id"),
        _known(
            "indicator_known",
            "indicator_id",
            "indicator_id",
            "indicators",
            owner="data engineer",
            reason="A value that belongs to no indicator has no definition.",
        ),
        Check(
            rule="node_known",
            description="Every statement that an indicator speaks to is in the mart framework_nodes.",
            remedy=_SEEDS_WRONG,
            sql="select distinct framework_id || ' ' || node_id as detail from checked"
            " where (framework_id, node_id) not in"
            " (select (framework_id, node_id) from warehouse.marts.framework_nodes)",
            owner="analyst",
            reason="A reference to a statement that does not exist leads a reader nowhere.",
        ),
    ),
    "framework_links": (
        _complete("framework_id", "from_node_id", "to_framework_id", "to_node_id", "basis", "reason"),
        _unique("framework_id", "from_node_id", "to_framework_id", "to_node_id"),
        Check(
            rule="node_known",
            description="Every statement at either end of a link is in the mart framework_nodes.",
            remedy=_SEEDS_WRONG,
            sql="select framework_id || ' ' || node_id as detail from"
            " (select framework_id, from_node_id as node_id from checked"
            " union select to_framework_id, to_node_id from checked) as ends"
            " where (framework_id, node_id) not in"
            " (select (framework_id, node_id) from warehouse.marts.framework_nodes)",
            owner="analyst",
            reason="A reference to a statement that does not exist leads a reader nowhere.",
        ),
    ),
    "node_status": (
        _complete("framework_id", "node_id", "status"),
        _unique("framework_id", "node_id"),
        Check(
            rule="every_node_has_a_status",
            description="Every statement of every framework has a status, and nothing else has.",
            remedy=_MODELS_WRONG,
            sql="select framework_id || ' ' || node_id as detail from ("
            " (select framework_id, node_id from warehouse.marts.framework_nodes"
            " except select framework_id, node_id from checked) union all"
            " (select framework_id, node_id from checked"
            " except select framework_id, node_id from warehouse.marts.framework_nodes)) as odd",
            owner="analyst",
            reason="A statement without a status is silently left out of the overview.",
        ),
        Check(
            rule="status_known",
            description=f"Every status is one of {', '.join(NODE_STATUSES)}.",
            remedy=_MODELS_WRONG,
            sql="select framework_id || ' ' || node_id as detail from checked"
            f" where status not in {literals(NODE_STATUSES)}",
            owner="analyst",
            reason="A word that nobody has explained will be read as anything.",
        ),
        Check(
            rule="gap_declared",
            description="A declared gap says why, and a statement with an indicator is none.",
            remedy=_SEEDS_WRONG,
            sql="select framework_id || ' ' || node_id as detail from checked"
            " where (status = 'declared gap') <> (indicator_count = 0)"
            " or (status = 'declared gap' and coalesce(trim(declared_gap), '') = '')",
            owner="analyst",
            reason="What is neither measured nor explained is silently left out.",
        ),
    ),
    "areas": (_complete("area_code"), _unique("area_code")),
    "organisations": (_complete("organisation_id"), _unique("organisation_id")),
    "sectors": (_complete("sector_code"), _unique("sector_code")),
    "periods": (_complete("period_type", "period", "period_start", "period_end"), _unique("period_type", "period")),
    "indicator_values": _value_checks(),
    "expected_submissions": (
        _complete("dataset", "supplier_role", "organisation_id", "period_type", "period", "due_date", "status"),
        _unique("dataset", "organisation_id", "period"),
        Check(
            rule="received_as_in_ledger",
            description="What has been received came when the ledger says that a file of the dataset did.",
            remedy=_MODELS_WRONG,
            sql="select concat_ws(' / ', dataset, organisation_id, period) as detail from checked"
            " where (received_at is null) <> (status in ('late', 'not yet due'))"
            " or (received_at is not null"
            " and (dataset, received_at) not in (select (dataset, received_at) from ledger))",
            owner="data engineer",
            reason="Whoever is called late although they sent their file loses trust in the rest.",
        ),
        Check(
            rule="nothing_late",
            description="Everything that was due has come.",
            remedy="Ask the supplier for it; expected_submissions says what is missing from whom since when. Figures"
            " that would rest on it wait for it.",
            severity="warning",
            sql="select dataset || ' ('"
            " || if(organisation_id = 'total', min(period) || if(count(*) = 1, '', ' and ' || count(*) - 1 || ' more'),"
            " count(*) || ' returns of ' || count(distinct organisation_id) || ' suppliers')"
            " || ')' as detail from checked where status = 'late' group by dataset, organisation_id = 'total'",
            owner="data supplier",
            reason="Figures that would rest on what is missing are out of date, and look as if they were not.",
        ),
    ),
    "value_vintages": (
        _complete(*KEY, "vintage_id"),
        _unique(*KEY, "vintage_id"),
        Check(
            rule="value_known",
            description="Every row is about a value that is in the mart indicator_values.",
            remedy=_MODELS_WRONG,
            sql=f"select concat_ws(' / ', {', '.join(KEY)}) as detail from checked"
            f" anti join warehouse.marts.indicator_values using ({', '.join(KEY)})",
            owner="data engineer",
            reason="A trace that leads to no value shows that the two tables were not made of the same data.",
        ),
        Check(
            rule="vintage_in_force",
            description="Every value rests on files that are in force: landed, not rejected and not superseded.",
            remedy=_MODELS_WRONG,
            sql="select distinct vintage_id as detail from checked"
            " where vintage_id not in (select vintage_id from ledger where is_current)",
            owner="data engineer",
            reason="A figure that rests on a withdrawn file shows what its supplier has taken back.",
        ),
    ),
}
