"""The fields of an order, each checked before anything is done."""

import re

from .errors import Refused

NAME = re.compile(r"[a-z0-9_-]{1,63}")


def field(order, name, kind):
    value = order.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Refused("bad_request", f"{name} must be {kind.__name__}, and is {value!r}.")
    return value


def optional(order, name, kind):
    return None if order.get(name) is None else field(order, name, kind)


def strings(order, name):
    values = field(order, name, list)
    if not all(isinstance(value, str) for value in values):
        raise Refused("bad_request", f"{name} must be a list of strings.")
    return values


def environment(order):
    env = field(order, "env", dict)
    if not all(isinstance(value, str) for value in env.values()):
        raise Refused("bad_request", "The values of env must be strings.")
    return env


def name_in(order, key):
    # It becomes the name of a file.
    name = field(order, key, str)
    if not NAME.fullmatch(name):
        raise Refused("bad_request", f"{name!r} is not the name of a {key}.")
    return name
