"""The wished address: the first label of a tenant's host name. Plain Python, no Odoo.

What it takes for good is held against tests/names.json, as the sidecar's names are.
"""

import re
import unicodedata
from itertools import count

SHORTEST = 3
LONGEST = 40

RESERVED = frozenset(
    "www admin api mail smtp imap pop ftp ns mx web app portal master saas sidecar status support "
    "help billing static cdn localhost test dev staging root postmaster webmaster autodiscover "
    "autoconfig".split()
)

# Letters that do not come apart into a plain one and an accent, and the umlauts, which people
# write with an e behind them.
_WRITTEN = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "oe",
        "å": "aa",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ı": "i",
        "ĸ": "k",
        "ŋ": "ng",
        "ŧ": "t",
    }
)
# Marks within a word: O'Neil is one word.
_APOSTROPHES = re.compile(r"['’ʼ`´]")
_LEGAL_FORM = re.compile(r"-(gmbh|ltd|llc|inc|ag|sa|bv|srl|sas|corp|corporation)$")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def normalize(text, domain=""):
    """As people write it, made comparable: no space around it, lower case, and where a whole
    address below ``domain`` was pasted, its first part.
    """
    slug = re.sub(r"[\x00-\x1f\x7f]", "", text or "").strip().lower()
    if domain and "." in slug:
        slug = re.sub(r"^https?://", "", slug)
        slug = re.sub(r"(:\d*)?([/?#].*)?$", "", slug, count=1).rstrip(".")
        slug = slug.removesuffix(f".{domain}")
    return slug


def problem_of(slug):
    """Say what is wrong with a normalized slug: the key of a sentence, or ""."""
    if not slug:
        return "empty"
    # Look-alikes such as a Cyrillic а would give somebody else's name to a stranger.
    if not slug.isascii():
        return "not_ascii"
    if len(slug) > LONGEST:
        return "long"
    if not _SLUG.fullmatch(slug):
        return "characters"
    if len(slug) < SHORTEST:
        return "short"
    if slug.startswith("xn--"):
        return "punycode"
    if slug in RESERVED:
        return "reserved"
    return ""


def suggest(name, taken=lambda slug: False):
    """Make a slug out of a company's name that is valid and not ``taken``."""
    base = base_of(name)
    numbered = (f"{base}-{number}" for number in count(2))
    if not problem_of(base) and not taken(base):
        return base
    return next(slug for slug in numbered if not problem_of(slug) and not taken(slug))


def base_of(name):
    """Without the words in whose place there is nothing to write: half a name is another name."""
    text = unicodedata.normalize("NFKC", _APOSTROPHES.sub("", name or "").lower())
    apart = unicodedata.normalize("NFKD", text.translate(_WRITTEN))
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    words = [word for word in re.findall(r"[^\W_]+", plain) if word.isascii()]
    base = _LEGAL_FORM.sub("", "-".join(words))[: LONGEST - 6].strip("-")
    return f"odoo-{base}".strip("-") if problem_of(base) else base
