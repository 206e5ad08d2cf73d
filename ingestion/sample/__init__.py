"""The sample: a home with an invented borough, in the real formats of every supported source.

Lives here: what the borough is like, the files its suppliers would send (flaws included), and the truth about them,
counted from the sample's own records and never by the pipeline. One module per format; ``places`` and
``organisations`` are what the formats share, ``filing`` and ``tally`` write files and truth down.

``truth/`` of the home that is made holds ``indicator_counts.csv`` (every numerator and denominator that the pipeline
should arrive at), ``files.csv`` (what the ledger should say of each file) and ``quarantine.csv`` (each cell that should
be found out). A figure whose denominator would be nobody, and one that its publisher hides, has no row.
"""

from ingestion.sample.home import SampleError, SampleSummary, write_sample
from ingestion.sample.scale import Size

__all__ = ["SampleError", "SampleSummary", "Size", "write_sample"]
