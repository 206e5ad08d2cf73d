"""Exports of survey tools: what stands over each column, whatever the tool, and which question it answers.

A *tool* is data: one YAML file here, or in ``survey_tools/`` of a home, says how its exports are told from others, how
many rows its header takes, which columns are its own, and which responses are no answers. What the questionnaire asks
is the business of an instrument; a reader of a tool knows nothing of it.
"""

from ingestion.forms.headings import Heading, plain_headings, read_headings
from ingestion.forms.matching import Answered, match_questions
from ingestion.forms.tools import Tool, ToolError, load_tools

__all__ = [
    "Answered",
    "Heading",
    "Tool",
    "ToolError",
    "load_tools",
    "match_questions",
    "plain_headings",
    "read_headings",
]
