"""Hand-written expectations about batches of one source: what its figures must be beside each other.

Each is about something that went wrong in a file like these, or would change a figure if it did: totals that are not
their parts, rates that are not their counts, a wave or a return that is another one under a new name. A batch is set
beside the others of its dataset that are in force, so that a file alone has nothing to be compared with and passes.
All are warnings, as a comparison cannot say which of two files is the wrong one; the one error is a return of another
authority.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from expectations.checks import Check, groups_having, literal

#: Two profiles of the same statements that agree less than this were not measured with the same scale and order.
#: Between waves of the sample the correlation is above 0.8; an inverted scale gives about as much below nought.
LEAST_AGREEMENT = 0.3
#: Of fewer statements no profile can be seen.
FEWEST_ITEMS = 5
#: A school or an organisation changes by less from count to count; a slipped digit changes it by ten.
MOST_TIMES = 2
#: A head count this small changes by more than that from one year to the next.
SMALLEST_COMPARED = 30
#: Fewer areas than this are a selection that somebody made, and are not held against the total.
FEWEST_AUTHORITIES, REGIONS_OF_ENGLAND = 5, 9
#: Of fewer homes nobody can say whose they are.
FEWEST_HOMES = 20
#: From so many learners in both reports on, and so many of them contradicted, the reports are of different courses.
FEWEST_LEARNERS, MOST_CONTRADICTED_PERCENT = 5, 50

_PUBLISHER = "Check the file against the publisher's; if it says so too, tell the publisher. The figures stay."


def source_checks(dataset: str) -> tuple[Check, ...]:
    """The checks on all rows of a batch of one dataset; ``checked`` and ``files`` are those of ``batch_checks``.

    They may also read ``landed_rolls`` (``school_id``), ``landed_courses``, ``landed_course_aliases`` and
    ``landed_activities``.
    """
    return _BY_DATASET.get(dataset, tuple)()


def _nested(query: str) -> str:
    """A query that begins with ``with``, where only one that begins with ``select`` can stand."""
    return f"select vintage_id, detail from ({query}) as found"


# --- surveys -----------------------------------------------------------------------------------------------------


def _survey_of_people() -> tuple[Check, ...]:
    means = "select file_vintage_id, wave, item_id, avg(score) as mean from checked group by all"
    said = (
        "select file_vintage_id, wave, respondent_id, hash(any_value(submitted_date), any_value(organisation_id),"
        " list((item_id, answer) order by item_id, answer)) as content"
        " from checked group by file_vintage_id, wave, respondent_id"
    )
    return (
        Check(
            rule="items_rank_as_in_other_waves",
            description="What people agree with most and least is much the same as in the other waves.",
            remedy="See whether the scale is turned round or the columns are in another order than their headers.",
            sql=_nested(
                f"with means as ({means}), others as (select own.file_vintage_id, own.item_id, own.mean,"
                " avg(other.mean) as elsewhere from means as own join means as other"
                " on other.item_id = own.item_id and other.wave <> own.wave group by all)"
                " select file_vintage_id as vintage_id,"
                " 'agreement of the statements with other waves ' || round(corr(mean, elsewhere), 2) as detail"
                f" from others group by file_vintage_id having count(*) >= {FEWEST_ITEMS}"
                f" and corr(mean, elsewhere) < {LEAST_AGREEMENT}"
            ),
            severity="warning",
            owner="analyst",
            reason="A scale that is turned round, or answers under the wrong statement, make every score wrong.",
        ),
        Check(
            rule="responses_not_of_another_wave",
            description="Most responses of a wave are not those of another wave, answer by answer and day by day.",
            remedy="See whether an older export was saved under the number of this wave; send the right one.",
            sql=_nested(
                f"with said as ({said}) select file_vintage_id as vintage_id,"
                " count(*) filter (is_known) || ' of ' || count(*) || ' responses are in another wave' as detail"
                " from (select file_vintage_id, respondent_id, exists (select 1 from said as other"
                " where other.content = said.content and other.wave < said.wave) as is_known from said) as looked_up"
                " group by file_vintage_id having 2 * count(*) filter (is_known) > count(*)"
            ),
            severity="warning",
            owner="data supplier",
            reason="A wave that repeats another shows that nothing has changed, which nobody has measured.",
        ),
        Check(
            rule="wave_follows_another",
            description="Before every wave but the first there is the one with the number before it.",
            remedy="See whether the number in the file's name is mistyped, or a wave has not been sent.",
            sql="select file_vintage_id as vintage_id, 'wave ' || wave as detail from checked"
            " where wave > (select min(wave) from checked) and wave - 1 not in (select wave from checked)"
            " group by file_vintage_id, wave",
            severity="warning",
            owner="data supplier",
            reason="A mistyped number starts a new wave beside the one that it should replace.",
        ),
    )


# --- published statistics ------------------------------------------------------------------------------------------


def _adds_up(measures: Sequence[str], key: Sequence[str], slack: int) -> Check:
    """The areas of a published file against the areas that they are part of.

    Args:
        measures: counts that add up.
        key: what tells the rows of one area apart.
        slack: how far rounding may move the sum of one part.
    """
    together = ", ".join(["file_vintage_id", *key])
    own = ", ".join(f"({literal(measure)}, {measure}, {measure}_status)" for measure in measures)
    joined = " and ".join(f"part.{column} is not distinct from whole.{column}" for column in ("file_vintage_id", *key))
    return Check(
        rule="areas_add_up",
        description="Regions are the sum of their authorities, and a country is that of its regions, but for rounding.",
        remedy="Check that the file was sent whole and unchanged. " + _PUBLISHER,
        sql=_nested(
            f"with figures as (select {together}, geographic_level, area_code,"
            " case geographic_level when 'Regional' then country_code when 'Local authority' then region_code end"
            " as part_of, measure, figure, status"
            f" from checked, lateral (values {own}) as measured (measure, figure, status))"
            f" select whole.file_vintage_id as vintage_id, concat_ws(' ', {', '.join('whole.' + c for c in key)},"
            " whole.area_code, whole.measure) as detail"
            f" from figures as whole join figures as part on part.part_of = whole.area_code and {joined}"
            " and part.measure = whole.measure"
            " and (whole.geographic_level, part.geographic_level)"
            " in (('National', 'Regional'), ('Regional', 'Local authority'))"
            " where whole.status = 'ok'"
            f" group by {', '.join('whole.' + c for c in ('file_vintage_id', *key, 'geographic_level', 'area_code'))},"
            " whole.measure, whole.figure"
            f" having sum(part.figure) > whole.figure + {slack} * (count(*) + 1) + 0.001 * whole.figure"
            f" or (bool_and(part.status = 'ok') and count(*) >= if(whole.geographic_level = 'National',"
            f" {REGIONS_OF_ENGLAND}, {FEWEST_AUTHORITIES})"
            f" and sum(part.figure) < whole.figure - {slack} * (count(*) + 1) - 0.001 * whole.figure)"
        ),
        severity="warning",
        owner="analyst",
        reason="An area is compared with its region and country: one that is wrong turns the verdict.",
    )


def _parts_within_total(measure: str, part: str, key: Sequence[str], slack: int) -> Check:
    together = ", ".join(["file_vintage_id", "area_code", *key])
    return Check(
        rule="parts_do_not_exceed_total",
        description=f"The shown parts by {part.replace('_', ' ')} do not exceed their total.",
        remedy=_PUBLISHER,
        sql=f"select file_vintage_id as vintage_id, concat_ws(' ', area_code, {', '.join(key)}) as detail from checked"
        f" group by {together} having sum({measure}) filter ({part} <> 'total')"
        f" > sum({measure}) filter ({part} = 'total') + {slack} * count(*)",
        severity="warning",
        owner="analyst",
        reason="Parts that exceed their whole give shares above what is possible.",
    )


def _hidden_stays_hidden(measures: Sequence[str], key: Sequence[str]) -> Check:
    same = " and ".join(f"other.{column} is not distinct from checked.{column}" for column in ("area_code", *key))
    broken = " or ".join(f"(checked.{m} = 0 and other.{m}_status = 'c')" for m in measures)
    return Check(
        rule="hidden_is_not_nought",
        description="Nothing that one file of the publisher hides is nought in another.",
        remedy="See whether somebody replaced the publisher's symbols by 0; send the file as it was published.",
        sql="select checked.file_vintage_id as vintage_id, 'row ' || checked.source_row as detail from checked"
        f" join checked as other on {same} and other.file_vintage_id <> checked.file_vintage_id where {broken}",
        severity="warning",
        owner="analyst",
        reason="Hidden means one or two and not nought: a nought in its place lowers the figures.",
    )


def _exclusions() -> tuple[Check, ...]:
    counts = ("headcount", "permanent_exclusions", "suspensions", "pupils_suspended")
    key = ("time_period", "school_type")
    return (_adds_up(counts, key, slack=5), _hidden_stays_hidden(counts[1:], key))


def _exclusions_by_characteristic() -> tuple[Check, ...]:
    key = ("time_period", "school_type", "characteristic_group", "characteristic")
    return (_adds_up(("headcount", "suspensions"), key, slack=5),)


def _looked_after_rate() -> tuple[Check, ...]:
    return (_adds_up(("children", "population_estimate"), ("time_period", "population_type"), slack=10),)


def _children_in_need() -> tuple[Check, ...]:
    key = ("time_period",)
    return (
        _adds_up(("children",), (*key, "primary_need_name"), slack=10),
        _parts_within_total("children", "primary_need_name", key, slack=10),
        Check(
            rule="printed_rates_share_a_population",
            description="All printed rates of an area and year are their counts over one and the same population.",
            remedy=_PUBLISHER,
            # A rate has one decimal and a count is rounded to ten.
            sql="select checked.file_vintage_id as vintage_id, 'row ' || checked.source_row as detail from checked"
            " join checked as whole on whole.file_vintage_id = checked.file_vintage_id"
            " and whole.time_period = checked.time_period and whole.area_code = checked.area_code"
            " and whole.primary_need_name = 'total' where whole.children > 0 and"
            " abs(checked.rate_per_10000::double"
            " - checked.children::double * whole.rate_per_10000::double / whole.children::double)"
            " > 0.2 + 20 * whole.rate_per_10000::double / whole.children::double",
            severity="warning",
            owner="analyst",
            reason="Rates that have slipped by a row stand beside counts that they are not of.",
        ),
    )


def _sen_needs() -> tuple[Check, ...]:
    key = ("time_period", "phase_type_grouping", "sen_status")
    return (
        _adds_up(("pupils",), (*key, "primary_need_name"), slack=5),
        _parts_within_total("pupils", "primary_need_name", key, slack=5),
    )


def _new_placements() -> tuple[Check, ...]:
    return (_adds_up(("placements",), ("time_period", "characteristic", "breakdown"), slack=10),)


def _scottish_exclusions() -> tuple[Check, ...]:
    figure = "max({measure}) filter (unit = '{unit}')"
    cases, pupils = (figure.format(measure="value", unit=unit) for unit in ("exclusions", "pupils"))
    rate = figure.format(measure="value", unit="exclusions_per_1000_pupils")
    return (
        Check(
            rule="printed_rates_follow_from_counts",
            description="The printed rate of every council is its cases of exclusion per 1,000 of its pupils.",
            remedy=_PUBLISHER,
            sql=groups_having(
                f"abs({rate} - 1000 * {cases} / {pupils}) > 0.06", "area_code, first_year, school_sector"
            ),
            severity="warning",
            owner="analyst",
            reason="A rate that its own counts contradict is a slip of the publisher, and is compared with ours.",
        ),
    )


# --- the return on looked-after children -----------------------------------------------------------------------------


def _episodes() -> tuple[Check, ...]:
    located = "count(*) filter (home_authority_code is not null)"
    at_home = "count(*) filter (home_authority_code in (select area_code from home_areas where level = 'authority'))"
    placed = (
        "count(*) filter (placement_authority_code in (select area_code from home_areas where level = 'authority'))"
    )
    return (
        Check(
            rule="homes_in_own_authority",
            description="At least half of the homes, where most postcodes are known, lie in the home's own authority.",
            remedy="The return is of another authority, or `authority` in impact.yml is wrong: send or write the right"
            " one.",
            sql=groups_having(
                # Of a few homes whose postcode is known nothing can be said.
                f"2 * {at_home} < {located} and {located} >= {FEWEST_HOMES} and 2 * {located} >= count(*)",
                None,
                f"{at_home} || ' of ' || {located} || ' homes'",
            ),
            owner="data supplier",
            reason="Another authority's children would be published as this one's.",
        ),
        Check(
            rule="more_homes_than_placements_inside",
            description="More of the homes than of the placements lie in the home's own authority.",
            remedy="See whether HOME_POST and PL_POST changed places.",
            sql=groups_having(
                f"{at_home} < {placed}", None, f"{at_home} || ' homes and ' || {placed} || ' placements inside'"
            ),
            severity="warning",
            owner="data supplier",
            reason="Children who were moved away would be told as having stayed, and the other way round.",
        ),
        Check(
            rule="episodes_do_not_overlap",
            description="No episode of a child begins before the one before it has ceased.",
            remedy="Correct DECOM or DEC in the case system; both are kept.",
            sql="select file_vintage_id as vintage_id, 'row ' || source_row as detail from (select *,"
            " max(ceased_date) over (partition by file_vintage_id, child_id order by started_date, ceased_date,"
            " source_row rows between unbounded preceding and 1 preceding) as ceased_before from checked) as in_order"
            " where started_date < ceased_before",
            severity="warning",
            owner="data supplier",
            reason="A child who is in two placements on one day is counted by one of them wrongly.",
        ),
    )


#: All that an organisation of the register is called.
_NAMES = "select known_as from registered_names"


# --- schools, register, training -------------------------------------------------------------------------------------


def _pupils_on_roll() -> tuple[Check, ...]:
    return (
        Check(
            rule="roll_as_at_other_censuses",
            description=f"No school has {MOST_TIMES} times as many pupils as at its other censuses, or as few.",
            remedy="Look for a slipped digit, or two schools that changed places.",
            sql="select checked.file_vintage_id as vintage_id, 'row ' || checked.source_row as detail from checked"
            " join checked as other on other.school_id = checked.school_id"
            " and (other.start_year, other.census_term) <> (checked.start_year, checked.census_term)"
            " group by checked.file_vintage_id, checked.source_row, checked.pupils"
            f" having greatest(checked.pupils, median(other.pupils)) >= {SMALLEST_COMPARED}"
            f" and (checked.pupils > {MOST_TIMES} * median(other.pupils)"
            f" or {MOST_TIMES} * checked.pupils < median(other.pupils))",
            severity="warning",
            owner="data supplier",
            reason="The roll is what exclusions are counted per: ten times the pupils is a tenth of the rate.",
        ),
        Check(
            rule="schools_known",
            description="Every school is in the register of organisations, or in another census under the same name.",
            remedy="Correct the name, or have it added to the register as an alias of the school.",
            sql="select file_vintage_id as vintage_id, 'row ' || min(source_row) as detail from checked"
            f" where exists (select 1 from registered_names) and lower(trim(school_id)) not in ({_NAMES})"
            " and (select count(distinct (start_year, census_term)) from checked) > 1"
            " group by file_vintage_id, school_id having school_id not in (select other.school_id from checked as other"
            " group by other.school_id having count(distinct (other.start_year, other.census_term)) > 1)",
            severity="warning",
            owner="data supplier",
            reason="A school under another name has pupils and no exclusions here, and the other way round elsewhere.",
        ),
    )


def _school_exclusions() -> tuple[Check, ...]:
    return (
        Check(
            rule="schools_known",
            description="Every school is in the register of organisations or among those with pupils on roll.",
            remedy="Correct the name, or have it added to the register as an alias of the school.",
            sql="select file_vintage_id as vintage_id, 'row ' || min(source_row) as detail from checked"
            f" where exists (select 1 from registered_names) and lower(trim(school_id)) not in ({_NAMES}"
            " union select lower(trim(school_id)) from landed_rolls) group by file_vintage_id, school_id",
            severity="warning",
            owner="data supplier",
            reason="A school under another name has exclusions and no pupils that they could be counted per.",
        ),
    )


def _organisations() -> tuple[Check, ...]:
    return (
        Check(
            rule="headcount_as_counted_before",
            description=f"No organisation has {MOST_TIMES} times as many people as by its other counts, or as few.",
            remedy="Look for a slipped digit, or two organisations that changed places.",
            sql=_nested(
                "with totals as (select * from checked where role_code = 'total')"
                " select totals.file_vintage_id as vintage_id, 'row ' || totals.source_row as detail from totals"
                " join totals as other on other.organisation_id = totals.organisation_id"
                " and other.counted_date <> totals.counted_date"
                " group by totals.file_vintage_id, totals.source_row, totals.headcount"
                f" having greatest(totals.headcount, median(other.headcount)) >= {SMALLEST_COMPARED}"
                f" and (totals.headcount > {MOST_TIMES} * median(other.headcount)"
                f" or {MOST_TIMES} * totals.headcount < median(other.headcount))"
            ),
            severity="warning",
            owner="data supplier",
            reason="The head count is what take-up is counted per: ten times the people is a tenth of the share.",
        ),
        Check(
            rule="roles_do_not_exceed_total",
            description="The people of all roles of an organisation are not more than its people.",
            remedy="Correct the head count of everyone, or of the role that is wrong.",
            sql=groups_having(
                "sum(headcount) filter (role_code <> 'total') > max(headcount) filter (role_code = 'total')",
                "organisation_id, counted_date",
            ),
            severity="warning",
            owner="data supplier",
            reason="A total that is less than its parts lets the share of those trained exceed everyone.",
        ),
        Check(
            rule="nobody_counted_after_leaving",
            description="No organisation has a head count of a day after it left the partnership.",
            remedy="Take the row out, or clear the day on which the organisation left.",
            sql="select checked.file_vintage_id as vintage_id, 'row ' || checked.source_row as detail from checked"
            " where counted_date > (select max(other.left_date) from checked as other"
            " where other.organisation_id = checked.organisation_id)",
            severity="warning",
            owner="data supplier",
            reason="An organisation that has left and is still counted makes the denominator too large.",
        ),
        Check(
            rule="names_stay_with_their_organisation",
            description="No organisation has the name that another had in another register.",
            remedy="See whether two rows changed places; an organisation keeps its id when it is renamed.",
            sql="select checked.file_vintage_id as vintage_id, 'row ' || min(checked.source_row) as detail from checked"
            " join checked as other on lower(trim(other.organisation_name)) = lower(trim(checked.organisation_name))"
            " and other.organisation_id <> checked.organisation_id and other.counted_date < checked.counted_date"
            " where checked.organisation_id in (select before.organisation_id from checked as before"
            " where before.counted_date < checked.counted_date)"
            " group by checked.file_vintage_id, checked.organisation_id",
            severity="warning",
            owner="data supplier",
            reason="Files name organisations: what one did would be counted as another's.",
        ),
    )


def _known_courses() -> Check:
    return Check(
        rule="courses_in_register",
        description="Every course is in the register of courses, where there is one.",
        remedy="Correct the name, or have the course or the name added to the register of courses.",
        sql="select file_vintage_id as vintage_id, course || ', from row ' || min(source_row) as detail from checked"
        " where exists (select 1 from landed_courses) and lower(trim(course)) not in"
        " (select lower(trim(course)) from landed_courses"
        " union select lower(trim(alias)) from landed_course_aliases, unnest(aliases) as listed (alias))"
        " group by file_vintage_id, course",
        severity="warning",
        owner="data supplier",
        reason="A course under another name is one more course, whose people are counted as if trained anew.",
    )


def _bookings() -> tuple[Check, ...]:
    return (
        _known_courses(),
        Check(
            rule="one_level_per_course",
            description="A course has one level in the whole file.",
            remedy="Decide which level is right, and send the file again.",
            sql=groups_having("count(distinct course_level) > 1", "course"),
            severity="warning",
            owner="data supplier",
            reason="People trained are counted by level, and this course's would be counted at two.",
        ),
    )


def _feedback() -> tuple[Check, ...]:
    return (_known_courses(),)


def _course_completion() -> tuple[Check, ...]:
    return (
        Check(
            rule="completions_agree_with_activities",
            description="Most learners who completed a course completed something in the report on its activities.",
            remedy="Check that both reports are of the same course and day, and export them again.",
            sql="select file_vintage_id as vintage_id,"
            " count(*) filter (not has_done_any) || ' of ' || count(*) || ' learners' as detail from ("
            " select checked.file_vintage_id, checked.person_id,"
            " bool_or(completion_state <> 'not_completed') as has_done_any"
            " from checked join landed_activities as activity on activity.person_id = checked.person_id"
            " and lower(activity.course_short_name) = lower(checked.course_short_name)"
            " where checked.completed_date is not null group by all) as learners group by file_vintage_id"
            f" having count(*) >= {FEWEST_LEARNERS}"
            f" and 100 * count(*) filter (not has_done_any) > {MOST_CONTRADICTED_PERCENT} * count(*)",
            severity="warning",
            owner="data supplier",
            reason="One of the two reports says of the same people what the other denies, and both are counted.",
        ),
    )


_BY_DATASET: dict[str, Callable[[], tuple[Check, ...]]] = {
    "census_exclusions": _school_exclusions,
    "census_exclusions_off_roll": _school_exclusions,
    "children_families_survey": _survey_of_people,
    "dfe_children_in_need": _children_in_need,
    "dfe_exclusions": _exclusions,
    "dfe_exclusions_by_characteristic": _exclusions_by_characteristic,
    "dfe_looked_after_rate": _looked_after_rate,
    "dfe_new_placements": _new_placements,
    "dfe_sen_needs": _sen_needs,
    "la_exclusions": _school_exclusions,
    "moodle_course_completion": _course_completion,
    "organisations": _organisations,
    "pupils_on_roll": _pupils_on_roll,
    "scottish_exclusions": _scottish_exclusions,
    "ssda903_episodes": _episodes,
    "training_bookings": _bookings,
    "training_feedback": _feedback,
    "workforce_survey": _survey_of_people,
}
