"""What comes in over the control protocol is checked before anything is done with it.

Every problem is a ValueError whose sentence names the argument.
"""

from datetime import datetime

# The largest integer that XML-RPC and Odoo's columns carry.
MOST = 2**31 - 1

MISSING = object()


def _of(value, kinds, name, what):
    # In Python, True is an integer too.
    if isinstance(value, bool) and bool not in kinds or not isinstance(value, kinds):
        raise ValueError(f"{name} must be {what}, not {value!r}.")
    return value


def text(value, name, most=10_000):
    return _of(value, (str,), name, "text")[:most]


def flag(value, name):
    return _of(value, (bool,), name, "true or false")


def integer(value, name, least=0, most=MOST):
    _of(value, (int,), name, "a whole number")
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value}.")
    return value


def amount(value, name):
    """A measured number: one that is too large to be carried is as good as the largest."""
    if isinstance(value, float):
        value = round(value)
    return min(MOST, max(0, _of(value, (int,), name, "a number")))


def items(value, name, check, most=10_000):
    """A list of at most ``most`` values, each put through ``check(value, name)``."""
    _of(value, (list, tuple), name, "a list")
    if len(value) > most:
        raise ValueError(f"{name} has {len(value)} entries; {most} at a time are enough.")
    return [check(item, f"{name}[{number}]") for number, item in enumerate(value)]


def texts(value, name):
    return items(value, name, text)


def one_of(names):
    def check(value, name):
        if value not in names:
            raise ValueError(f"{name} must be one of {', '.join(names)}, not {value!r}.")
        return value

    return check


def moment(value, name):
    """UTC, ISO 8601, as a naive datetime in UTC."""
    try:
        return datetime.fromisoformat(text(value, name).replace("Z", "+00:00")).replace(tzinfo=None)
    except ValueError as problem:
        raise ValueError(f"{name} must be a moment such as 2026-01-31T12:00:00.000Z.") from problem


def record(**checks):
    """A check for a struct with these keys; others are left out: newer sidecars may tell more."""

    def check(value, name):
        _of(value, (dict,), name, "a struct")
        for key in checks:
            if key not in value:
                raise ValueError(f"{name} lacks {key}.")
        return {key: inner(value[key], f"{name}.{key}") for key, inner in checks.items()}

    return check


def nullable(inner):
    """False, which stands for null on this wire, or what ``inner`` wants."""

    def check(value, name):
        return None if value is False or value is None else inner(value, name)

    return check
