"""Reference data: areas, statistical neighbours, sectors, kinds of period, and the postcode directory.

Who lives here:

- ``*.csv``: what ships with the warehouse, in our own layout. Areas and neighbours are derived by ``derive`` from
  the code lists and the statistical-neighbour model of the Department for Education, with codes of the Office for
  National Statistics (Open Government Licence v3.0). Sectors and kinds of period are the project's own.
- ``layout``: which columns each table has, and how a CSV file of it is read and checked.
- ``tables``: what ships and what a home adds, put together and landed for the warehouse.
- ``postcodes``: the national postcode directory as Parquet, and the authority and place of a postcode.
- ``derive``: brings the CSV files up to date when the department publishes anew (``docs/reference-data.md``).

What does not: figures about areas (they arrive through the inbox like everything else), and anything that the
frameworks, the indicators or the instruments say.
"""
