"""What readers get: the publication, a whole and consistent copy of the marts that is switched in at once.

Nothing in here calculates: tables are copied as the warehouse holds them, beside what only exists after the build
(the ledger and the results of checks).
"""
