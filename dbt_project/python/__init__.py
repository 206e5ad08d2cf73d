"""Pure statistics that dbt Python models call: columns in, columns out; no files, no database, no dbt."""
