"""Numbers in the text of a form, an address or a parameter: anybody may have written it."""


def whole(text, least=0, most=2**31 - 1):
    """The number that ``text`` is, or None.

    ``str.isdigit`` is not the question: it is true of ``²``, which ``int`` does not read.
    """
    # The length of what is read is bounded: Python itself refuses to read thousands of digits.
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    number = int(text)
    return number if least <= number <= most else None
