"""What can go wrong when publishing."""


class PublicationError(Exception):
    """Nothing was published and the previous publication stays in force; the message says why and what to do."""
