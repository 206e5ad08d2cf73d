"""The Dagster logger that writes a run's log into the home."""

import logging
from pathlib import Path

import dagster as dg

from orchestration.logs import file_handler


@dg.logger(config_schema={"path": str}, description="Writes to a file in the home.")
def run_log(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that writes to the file named by its configuration."""
    logger = logging.Logger("dagster", logging.INFO)
    logger.addHandler(file_handler(Path(context.logger_config["path"])))
    return logger
