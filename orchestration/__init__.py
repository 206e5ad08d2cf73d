"""The whole route: Dagster definitions and the command line.

The only place that imports Dagster or dbt, and nothing imports it. No rule about data lives here: a transformation
belongs in ``ingestion`` or ``dbt_project``, a check in ``expectations``.
"""
