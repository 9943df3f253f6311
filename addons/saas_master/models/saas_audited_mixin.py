from odoo import api, models
from odoo.exceptions import AccessError

from .said import said


class SaasAuditedMixin(models.AbstractModel):
    """Every change of the fields that people edit goes to the audit log, with old and new, and so
    do beginning and end of the record.
    """

    _name = "saas.audited.mixin"
    _description = "Audited Record"

    @api.model
    def _audited_fields(self):
        """Names of the fields whose changes are logged."""
        return ()

    def _audit_tenant_ref(self):
        """The id of the tenant that the record is about, or ""."""
        return ""

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env["saas.audit.entry"]._log(records, "create")
        return records

    @api.model
    def _fields_by_hand(self):
        """Names of the fields that a person may write; None for all."""
        return None

    def _check_by_hand(self, vals):
        by_hand = self._fields_by_hand()
        if self.env.su or by_hand is None:
            return
        # Chatter and activities have rules of their own.
        others = {*self.env["mail.thread"]._fields, *self.env["mail.activity.mixin"]._fields}
        refused = sorted(set(vals) - by_hand - others)
        if refused:
            raise AccessError(
                self.env._(
                    "%s cannot be edited directly. Use the buttons on its page.", ", ".join(refused)
                )
            )

    def write(self, vals):
        self._check_by_hand(vals)
        names = [name for name in self._audited_fields() if name in vals]
        if not names:
            return super().write(vals)
        before = {record: {name: record._audit_text(name) for name in names} for record in self}
        result = super().write(vals)
        Entry = self.env["saas.audit.entry"]
        action = said(self.env, "saas_action") or "write"
        for record, values in before.items():
            for name, old in values.items():
                new = record._audit_text(name)
                if new != old:
                    Entry._log(record, action, field=name, old=old, new=new)
        return result

    def unlink(self):
        self.env["saas.audit.entry"]._log(self, "unlink")
        return super().unlink()

    def _audit_text(self, name):
        return self._audit_text_of(self, name)

    @api.model
    def _audit_text_of(self, record, name):
        """The value as a person reads it; the same value gives the same text."""
        value = record.sudo()[name]
        if isinstance(value, models.BaseModel):
            return ", ".join(value.mapped("display_name"))
        if value is False and record._fields[name].type != "boolean":
            return ""
        return str(value)
