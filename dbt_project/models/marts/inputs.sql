-- One row per input of the logic model, indicator and member, with the home's own latest value.
{{ frame_mart('inputs') }}
