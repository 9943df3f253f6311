from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ..authority import is_operator

MEGABYTE = 1 << 20


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    @api.model
    def _saas_storage_mb(self):
        """What this Odoo stores: its files, each once, and its database."""
        self.flush_model(["file_size", "store_fname"])
        self.env.cr.execute(
            """
            SELECT pg_database_size(current_database())
                 + (SELECT COALESCE(SUM(size), 0)
                      FROM (SELECT MAX(file_size) AS size FROM ir_attachment
                             WHERE store_fname IS NOT NULL GROUP BY store_fname) AS files)
            """
        )
        return int(self.env.cr.fetchone()[0]) // MEGABYTE

    @api.constrains("file_size")
    def _check_saas_storage_limit(self):
        """Every way of storing content writes its size, also those that pass by `write`."""
        # Odoo makes bundles of scripts and styles by itself: no one may be left without a page.
        stored = self.filtered(
            lambda attachment: (
                attachment.file_size and not (attachment.url or "").startswith("/web/assets/")
            )
        )
        if not stored or is_operator():
            return
        settings = self.env["saas.settings"]._current()
        if settings is None:
            raise ValidationError(self.env["saas.settings"]._unverified())
        if settings.storage_mb is None or self._saas_storage_mb() <= settings.storage_mb:
            return
        raise ValidationError(
            self.env._(
                "Your storage is full: your plan includes %(limit)s. Delete data that is no longer "
                "needed. %(more)s",
                limit=self._saas_megabytes(settings.storage_mb),
                more=self.env["saas.settings"]._more(),
            )
        )

    @api.model
    def _saas_megabytes(self, megabytes):
        """Such as ``512 MB`` or ``2.5 GB``, with the reader's own decimal sign."""
        if megabytes < 1024:
            return f"{megabytes} MB"
        return f"{formatLang(self.env, megabytes / 1024, digits=1)} GB"
