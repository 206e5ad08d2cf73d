"""The registry of frameworks and indicators: what a home adds to it with frameworks and instruments of its own.

What ships are the seeds of the dbt project. Who lives here:

- ``layout``: which columns each table has, in the order of the seeds, and what may stand in them.
- ``tables``: what a home adds, read, checked against what ships and against itself, and landed for the warehouse.
"""
