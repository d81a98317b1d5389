"""Errors whose text is for the person at the keyboard: what is wrong, and what to do."""


class SpokenError(Exception):
    """Said as it is, without a traceback, by whatever meets a person."""
