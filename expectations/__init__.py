"""Great Expectations at the two gates: the landed batches before dbt reads them, the marts before anyone else does.

What belongs here: the checks themselves, the engine that runs them and the process it runs in. What does not: repairing
rows, and rules about figures, which are dbt's. Nothing imports Great Expectations until a gate has something to look
at, because the import alone takes seconds.
"""
