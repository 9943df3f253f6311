from odoo import api, fields, models
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

# What people read for each `Party` of sidecar/odoo/port.ts; a test holds the two equal.
PARTY_LABELS = {
    "tenant": _lt("A tenant"),
    "itself": _lt("Itself"),
    "other_tenant": _lt("Another tenant"),
    "database": _lt("The database server %s"),
    "cluster": _lt("The control of the cluster"),
    "metadata": _lt("The cloud's metadata"),
    "sidecar": _lt("The sidecar"),
}


FOUND = [("open", "Reachable"), ("shut", "Blocked")]


class SaasTargetWay(models.Model):
    """One way through the network of a target, as the last isolation check found it."""

    _name = "saas.target.way"
    _description = "Connection Checked for Isolation"
    _order = "target_id, id"
    _log_access = False

    target_id = fields.Many2one(
        "saas.target", required=True, readonly=True, index=True, ondelete="cascade"
    )
    origin = fields.Char(required=True, readonly=True)
    aim = fields.Char(required=True, readonly=True)
    # Which one, where there are several.
    aim_name = fields.Char(readonly=True)
    wanted = fields.Selection(FOUND, "Expected", required=True, readonly=True)
    found = fields.Selection(FOUND, "Actual", required=True, readonly=True)
    origin_label = fields.Char("From", compute="_compute_labels")
    aim_label = fields.Char("Destination", compute="_compute_labels")
    is_wrong = fields.Boolean(compute="_compute_is_wrong")

    @api.depends("origin", "aim", "aim_name")
    @api.depends_context("lang")
    def _compute_labels(self):
        for way in self:
            way.origin_label = self._party(way.origin)
            way.aim_label = self._party(way.aim, way.aim_name)

    @api.model
    def _party(self, party, name=""):
        label = PARTY_LABELS.get(party)
        text = self.env._(label) if label else party
        return text.replace("%s", name or "")

    @api.depends("wanted", "found")
    def _compute_is_wrong(self):
        for way in self:
            way.is_wrong = way.wanted != way.found

    @api.depends("origin_label", "aim_label")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for way in self:
            way.display_name = f"{way.origin_label} → {way.aim_label}"
