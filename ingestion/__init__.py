"""Files in, typed Parquet out: readers, dataset contracts, landing, quarantine, the ledger and pseudonyms.

Nothing in here knows Dagster, dbt, Great Expectations or an indicator.
"""
