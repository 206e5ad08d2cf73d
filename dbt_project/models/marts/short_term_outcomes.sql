-- One row per short-term outcome of the logic model, indicator and member, with the home's own latest value.
{{ frame_mart('short_term_outcomes') }}
