"""Answers that say no."""


class Refused(Exception):
    """A code for programs and a sentence for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def refusal(code, message):
    return {"ok": False, "error": code, "message": message}


def reason_of(error):
    return getattr(error, "strerror", None) or str(error) or repr(error)
