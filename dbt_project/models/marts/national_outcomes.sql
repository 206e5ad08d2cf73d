-- One row per national outcome that the logic model leads to, indicator and member, with the home's own latest value.
{{ frame_mart('national_outcomes') }}
