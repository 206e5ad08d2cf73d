"""How large and how odd a file may be: what is beyond is refused, so that no file takes the run down with it.

Each limit lies far above what any supplier has a reason to send and below what a machine of 4 GB can bear. The largest
file is a setting of the home (``largest_file_gb`` in ``impact.yml``); the others are the same everywhere.
"""

from __future__ import annotations

GIGABYTE = 1_000_000_000

#: A gigabyte of bookings has eight million rows, a hundred times a large county's; four leave room for a region's
#: published tables, and are hashed and refused or read in minutes. Set per home.
LARGEST_FILE_GB = 4.0

#: A table with more columns takes minutes to sort; mostly they are the empty ones that a spreadsheet saved with it.
MOST_COLUMNS = 2000

#: Characters of one cell: what a spreadsheet can hold, so no table that was ever open in one has more.
LONGEST_CELL = 32_767

#: Findings about the rows of one file, half a kilobyte each. A file with more has not some faulty rows, but is faulty.
MOST_FINDINGS = 250_000

#: Different unknown names of one column for which the nearest known ones are looked up, a millisecond each.
MOST_SUGGESTIONS = 1_000
#: A longer text is no name.
LONGEST_NAME = 200

# --- workbooks ------------------------------------------------------------------------------------------------------

#: Bytes of all parts of a workbook, unpacked: a sheet of a million rows and twenty columns has about 1.2 GB.
LARGEST_UNPACKED = 2 * GIGABYTE
#: Parts of a workbook; one with a hundred sheets and their pictures has some hundreds.
MOST_PARTS = 10_000
#: Bytes of the tables read from one workbook; the largest sheet that a spreadsheet can hold, filled, has less.
LARGEST_TABLES = 1 * GIGABYTE
#: Bytes of address space of the process that reads workbooks; a million rows of ten columns take 1.3 GB of it.
WORKBOOK_MEMORY = 2 * GIGABYTE
#: Seconds of processor time for one workbook; a million rows of ten columns take about ten.
WORKBOOK_SECONDS = 120
