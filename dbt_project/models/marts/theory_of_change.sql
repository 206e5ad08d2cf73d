-- One row per statement of the theory of change, indicator and member, with the home's own latest value.
{{ frame_mart('theory_of_change') }}
