-- One row per statement under a feature, indicator and member, with the home's own latest value.
{{ frame_mart('feature_outcomes') }}
