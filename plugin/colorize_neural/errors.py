"""What may go wrong for a user, said in one sentence. Standard library only."""


class ColorizeError(Exception):
    """An expected failure; its text is one sentence that names the next step."""
