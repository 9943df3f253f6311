"""Host names under which a tenant may answer. Plain Python, no Odoo.

What is one is held against tests/names.json, as `isHostName` of sidecar/domain/names.ts is.
"""

import re

import idna

LONGEST = 253

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Browsers take a name whose last label is a number for an IP address: 1.2.3, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_IPV6 = re.compile(r"\[?[0-9a-f.]*:[0-9a-f:.]+(%.*)?(\](:\d*)?)?")
# Names that mean something within one machine or network only.
_LOCAL = frozenset(
    "localhost localdomain local internal intranet private lan home corp arpa onion invalid".split()
)


def normalize(text):
    """The name that is meant, in the letters of the DNS: as it is typed or pasted, in any script.

    What is none comes back as it was; `problem_of` says what is wrong with it.
    """
    name = re.sub(r"^[a-z][a-z0-9+.-]*://", "", (text or "").strip().lower())
    name = re.sub(r"[/?#].*$", "", name, flags=re.DOTALL)
    if not name.startswith("[") and name.count(":") < 2:
        name = re.sub(r":\d*$", "", name)
    name = name.removesuffix(".")
    try:
        return idna.encode(name, uts46=True).decode().removesuffix(".")
    except idna.IDNAError:
        return name


def in_letters(name):
    """As people read it."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def problem_of(name):
    """Say what is wrong with a normalized name: the key of a sentence, or ""."""
    labels = name.split(".")
    if not name:
        return "empty"
    if _IPV6.fullmatch(name) or _NUMBER.fullmatch(labels[-1]):
        return "ip_address"
    if not all(map(_LABEL.fullmatch, labels)) or _is_bad_idna(labels):
        return "characters"
    if len(name) > LONGEST:
        return "long"
    return "single" if len(labels) < 2 else ""


def _is_bad_idna(labels):
    """Whether a label says that it is in another script and is in none."""
    try:
        for label in labels:
            if label.startswith("xn--"):
                idna.decode(label)
    except idna.IDNAError:
        return True
    return False


def is_local(name):
    return name.split(".")[-1] in _LOCAL


def is_parent_of(name, other):
    return other.endswith(f".{name}")
