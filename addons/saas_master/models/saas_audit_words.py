from odoo import api, fields, models
from odoo.tools.misc import format_date, format_datetime

from .saas_configuration import PARAMETERS

SETTINGS = {key: name for name, key in PARAMETERS.items()}


class SaasAuditWords(models.Model):
    """An entry keeps names and raw values; here they are in the words and forms of who reads it."""

    _inherit = "saas.audit.entry"

    model_label = fields.Char("Kind", compute="_compute_labels")
    field_label = fields.Char("Field", compute="_compute_labels")
    old_text = fields.Text("From", compute="_compute_labels")
    new_text = fields.Text("To", compute="_compute_labels")

    @api.depends("model", "field", "old", "new")
    @api.depends_context("lang", "tz")
    def _compute_labels(self):
        for entry in self:
            field = entry._described_field()
            entry.model_label = self.env["ir.model"]._get(entry.model).sudo().name or entry.model
            entry.field_label = (
                field._description_string(self.env) if field else entry.field or False
            )
            entry.old_text = self._value_words(field, entry.old)
            entry.new_text = self._value_words(field, entry.new)

    def _described_field(self):
        """The field that was changed; None when it is gone, or when there was none."""
        self.ensure_one()
        if self.action == "setting":
            name = SETTINGS.get(self.field)
            return self.env["saas.configuration"]._fields.get(name)
        if self.model not in self.env:
            return None
        return self.env[self.model]._fields.get(self.field)

    @api.model
    def _value_words(self, field, text):
        """
        :param field: what the value is of, or None
        :param text: as ``saas.audited.mixin`` writes it
        """
        if not field or not text:
            return text
        try:
            match field.type:
                case "selection":
                    return dict(field._description_selection(self.env)).get(text, text)
                case "boolean":
                    return self.env._("Yes") if text in ("True", "1") else self.env._("No")
                case "date":
                    return format_date(self.env, fields.Date.to_date(text))
                case "datetime":
                    return format_datetime(self.env, fields.Datetime.to_datetime(text))
        except ValueError:
            # It was of another type when it was written.
            return text
        return text
