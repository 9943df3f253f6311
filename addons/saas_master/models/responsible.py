"""Which person is told when something about a record needs one. Plain Python, no Odoo."""


def responsible(record, *candidates):
    """The first of ``candidates`` who is there and may see the record, else an owner who may.

    :param candidates: recordsets of users, the best first
    """
    owners = record.env.ref("saas_master.group_saas_owner").sudo().all_user_ids
    for users in (*candidates, owners):
        for user in users.sudo().filtered("active"):
            if _may_see(record, user):
                return user
    return record.env.ref("base.user_admin")


def responsible_of(record):
    """Whom the record itself names, where it is of a kind that does."""
    return record._responsible() if hasattr(record, "_responsible") else responsible(record)


def _may_see(record, user):
    companies = user.company_ids.ids
    seen = record.with_user(user).with_context(allowed_company_ids=companies)
    return seen.has_access("read")
