"""Batches that act for several customers: what one record cannot, the others do not wait for."""

import logging

import psycopg2.errors
from markupsafe import escape

from odoo.exceptions import ConcurrencyError
from odoo.tools import html2plaintext

from .language import spoken
from .responsible import responsible_of

_logger = logging.getLogger(__name__)

TROUBLE = "mail.mail_activity_data_warning"
# Not the record's fault: somebody else wrote the same row, and the next try finds it as it is then.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.LockNotAvailable,
    ConcurrencyError,
)


def each_alone(records, work, words):
    """Call ``work(record)`` for each, so that one that fails keeps nobody else from what is theirs.

    What fails is undone, logged, and told to a person by an activity on the record, once; the
    activity goes when the same work succeeds. In a scheduled job each record is a transaction.

    :param records: of a model with activities
    :param words: what could not be done, as a lazily translated sentence
    :return: the records for which it was done
    """
    done = each_apart(records, work, lambda record, problem: _tell(record, words, problem))
    told = _told(records)
    for record in done.filtered(lambda record: record.id in told):
        _todos(record, words).unlink()
    return done


def each_apart(records, work, fail):
    """`each_alone` for records without activities.

    :param fail: called with the record and the problem in words, once what it did is undone
    """
    done, is_cron = records.browse(), bool(records.env.context.get("cron_id"))
    for record in records:
        try:
            with record.env.cr.savepoint():
                work(record)
        except CONFLICTS:
            if not is_cron:
                raise
            _logger.info("%s is left for the next run", record)
        except Exception as problem:
            _logger.exception("%s is left out, the others go on", record)
            fail(record, str(problem) or repr(problem))
        else:
            done += record
        if is_cron:
            record.env["ir.cron"]._commit_progress(1)
    return done


def each_due(model, domain, work, words):
    """`each_alone` for those of ``domain``, looked at again when it is their turn: others were done
    and committed before, and people went on working meanwhile.

    :param work: called with the record, or with none when it is not due any more
    """
    return each_alone(
        model.search(domain), lambda record: work(record.filtered_domain(domain)), words
    )


def _told(records):
    """Ids of those about which somebody was told something."""
    about = [
        ("res_model", "=", records._name),
        ("res_id", "in", records.ids),
        ("activity_type_id", "=", records.env.ref(TROUBLE).id),
    ]
    return set(records.env["mail.activity"].sudo().search(about).mapped("res_id"))


def _tell(record, words, problem):
    try:
        with record.env.cr.savepoint():
            known = _todos(record, words)
            if not known:
                record.sudo().activity_schedule(
                    TROUBLE,
                    summary=_summary(record, words),
                    note=escape(problem),
                    user_id=responsible_of(record).id,
                )
            elif html2plaintext(known[0].note or "").strip() != problem.strip():
                known[0].note = escape(problem)
    except Exception:
        _logger.exception("Nobody could be told of %s", record)


def _todos(record, words):
    kind, summary = record.env.ref(TROUBLE), _summary(record, words)
    return record.sudo().activity_ids.filtered(
        lambda todo: todo.activity_type_id == kind and todo.summary == summary
    )


def _summary(record, words):
    """In the language of who reads it, whichever job finds it."""
    lang = spoken(record.env, responsible_of(record).lang)
    return record.with_context(lang=lang).env._(words)
