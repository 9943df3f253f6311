"""Text that a person writes and that others read, maybe on a public page. Plain Python, no Odoo."""

from odoo.exceptions import UserError

LONGEST_REASON = 300


def one_line(text):
    """Without blanks at its ends, and without line breaks and control characters inside."""
    words = "".join(letter if letter.isprintable() else " " for letter in text or "").split()
    return " ".join(words)


def reason_of(env, text):
    """
    :param text: why somebody does something, as they wrote it
    :raise UserError: nothing that can be read, or more than anybody reads
    """
    reason = one_line(text) if isinstance(text, str) else ""
    if not reason:
        raise UserError(
            env._("Enter a reason. Others can read it, and it is kept in the audit log.")
        )
    if len(reason) > LONGEST_REASON:
        raise UserError(
            env._(
                "The reason has %(length)s characters. Shorten it to %(most)s.",
                length=len(reason),
                most=LONGEST_REASON,
            )
        )
    return reason
