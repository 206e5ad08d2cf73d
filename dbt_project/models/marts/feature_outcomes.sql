-- One row per statement under a feature of trauma-informed practice, indicator and member, with the home's own latest value.
{{ frame_mart('feature_outcomes') }}
