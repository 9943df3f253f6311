from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SaasReleaseSource(models.Model):
    """One folder of addons. A folder that holds other code gives other templates: hence the pin."""

    _name = "saas.release.source"
    _description = "Addon Source of a Release"
    _inherit = ["saas.audited.mixin"]
    _order = "sequence, id"
    _rec_name = "path"

    release_id = fields.Many2one("saas.release", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10)
    path = fields.Char("Folder", required=True)
    pin = fields.Char(help="The version of the folder, such as a commit.")

    @api.constrains("path")
    def _check_path(self):
        for source in self:
            if not source.path.startswith("/") or ".." in source.path.split("/"):
                raise ValidationError(
                    self.env._(
                        "“%s” is not an absolute path. Enter the whole path, such as /srv/addons.",
                        source.path,
                    )
                )

    @api.model
    def _audited_fields(self):
        return ("sequence", "path", "pin")
