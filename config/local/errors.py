class CannotStart(Exception):  # noqa: N818 - named for the fact
    """Something this machine needs is missing or taken; ``str(error)`` says in one sentence what to do."""
