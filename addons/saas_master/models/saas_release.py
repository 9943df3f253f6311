from odoo import api, fields, models


class SaasRelease(models.Model):
    """What tenants run: an Odoo version and the addon folders beside Odoo's own, in order."""

    _name = "saas.release"
    _description = "Release"
    _inherit = ["saas.audited.mixin"]
    _order = "name desc, id desc"

    name = fields.Char(required=True)
    odoo_version = fields.Char(required=True)
    source_ids = fields.One2many("saas.release.source", "release_id", "Addon Sources", copy=True)
    source_count = fields.Integer(compute="_compute_source_count")
    active = fields.Boolean(default=True)

    _name_unique = models.Constraint("UNIQUE(name)", "A release with this name already exists.")

    @api.depends("source_ids")
    def _compute_source_count(self):
        for release in self:
            release.source_count = len(release.source_ids)

    @api.model
    def _audited_fields(self):
        return ("name", "odoo_version", "active")

    def _spec(self):
        """`ReleaseSpec` on the wire."""
        self.ensure_one()
        return {
            "name": self.name,
            "odoo_version": self.odoo_version,
            "sources": self.source_ids.mapped("path"),
        }

    def _fingerprint(self):
        """All that makes its templates differ from those of another, in every master alike."""
        self.ensure_one()
        return [self.odoo_version, [[source.path, source.pin or ""] for source in self.source_ids]]
