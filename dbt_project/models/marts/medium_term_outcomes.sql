-- One row per medium-term outcome of the logic model, indicator and member, with the home's own latest value.
{{ frame_mart('medium_term_outcomes') }}
