"""Rules and mails are the operator's own to edit, so that an update leaves them alone: bring those
along that nobody has edited.
"""

from odoo import SUPERUSER_ID, api

RULES = {
    "saas_master.rule_saas_tenant_portal": "[('is_mine', '=', True)]",
    "saas_master.rule_saas_subscription_portal": "[('tenant_id.is_mine', '=', True)]",
}
TEMPLATES = (
    "saas_master.mail_template_ready",
    "saas_master.mail_template_deletion_scheduled",
)


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, domain in RULES.items():
        rule = env.ref(name, raise_if_not_found=False)
        if rule and "child_of" in (rule.domain_force or ""):
            rule.domain_force = domain
    ids = [env.ref(name).id for name in TEMPLATES if env.ref(name, raise_if_not_found=False)]
    # In all languages.
    cr.execute(
        """
        UPDATE mail_template
           SET partner_to = replace(partner_to, %(old)s, %(new)s),
               lang = replace(lang, %(old)s, %(new)s),
               body_html = replace(body_html::text, %(old)s, %(new)s)::jsonb
         WHERE id = ANY(%(ids)s)
        """,
        {"old": "object.partner_id.", "new": "object.contact_id.", "ids": ids},
    )
    env.invalidate_all()
