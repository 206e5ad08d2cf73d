-- One row per long-term outcome of the logic model, indicator and member, with the home's own latest value.
{{ frame_mart('long_term_outcomes') }}
