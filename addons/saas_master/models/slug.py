"""The wished address: the first label of a tenant's host name. Plain Python, no Odoo.

Kept equal to `isSlug` in sidecar/domain/names.ts by a test.
"""

import re
import unicodedata

SHORTEST = 3
LONGEST = 40

RESERVED = frozenset(
    "www admin api mail smtp imap pop ftp ns mx web app portal master saas sidecar status support "
    "help billing static cdn localhost test dev staging root postmaster webmaster autodiscover "
    "autoconfig".split()
)

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def normalize(text):
    """As people write it, made comparable: no space around it and lower case."""
    return (text or "").strip().lower()


def problem_of(slug):
    """Say what is wrong with a normalized slug: the key of a sentence, or ""."""
    if not slug:
        return "empty"
    # Look-alikes such as a Cyrillic а would give somebody else's name to a stranger.
    if not slug.isascii():
        return "not_ascii"
    if len(slug) < SHORTEST:
        return "short"
    if len(slug) > LONGEST:
        return "long"
    if not _SLUG.fullmatch(slug):
        return "characters"
    if slug.startswith("xn--"):
        return "punycode"
    if slug in RESERVED:
        return "reserved"
    return ""


def suggest(name, taken=lambda slug: False):
    """Make a slug out of a company's name that is valid and not ``taken``."""
    ascii_name = unicodedata.normalize("NFKD", name or "").encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
    base = re.sub(r"-(gmbh|ltd|llc|inc|ag|sa|bv|srl|sas|corp|corporation)$", "", base)
    base = base[: LONGEST - 4].strip("-")
    if problem_of(base):
        base = f"odoo-{base}".strip("-")
    candidates = [base, *(f"{base}-{number}" for number in range(2, 1000))]
    return next(slug for slug in candidates if not problem_of(slug) and not taken(slug))


def is_host_name(text):
    """RFC 1123, lower case, at least two labels: something that a browser can be sent to."""
    labels = text.split(".")
    return len(text) <= 253 and len(labels) > 1 and all(map(_LABEL.fullmatch, labels))
