"""Where a run started from the command line writes what Dagster and the steps have to say: a file, not the screen."""

import logging
from pathlib import Path

import dagster as dg

FORMAT = "%(asctime)s %(levelname)s %(message)s"


@dg.logger(config_schema={"path": str}, description="Writes to a file in the home.")
def run_log(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that writes to the file named by its configuration."""
    logger = logging.Logger("impact.run", logging.INFO)
    logger.addHandler(file_handler(Path(context.logger_config["path"])))
    return logger


def file_handler(path: Path) -> logging.Handler:
    """A handler that appends to ``path``."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler
