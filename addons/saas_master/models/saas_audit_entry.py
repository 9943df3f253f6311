from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .said import said

ACTIONS = [
    ("create", "Created"),
    ("write", "Changed"),
    ("unlink", "Removed"),
    ("setting", "Setting Changed"),
    ("phase", "Failed or Recovered"),
    ("suspend", "Suspended"),
    ("resume", "Resumed"),
    ("rename", "Renamed"),
    ("add_host", "Address Added"),
    ("change_plan", "Plan Changed"),
    ("change_owner", "Owner Changed"),
    ("wish_plan", "Requested Plan"),
    ("schedule_deletion", "Deletion Scheduled"),
    ("cancel_deletion", "Deletion Cancelled"),
    ("delete", "Deleted"),
    ("adopt", "Adopted"),
    ("open", "Opened as Staff"),
    ("sign_on", "Opened by the Customer"),
    ("retry", "Retried"),
    ("cancel", "Operation Cancelled"),
    ("request", "Repair Requested"),
    ("set_aside", "Operation Stopped After Repeated Failures"),
    ("many_tries", "Repeated Attempts"),
    ("build", "Template Built Again"),
    ("check_isolation", "Isolation Check Requested"),
    ("isolation", "Isolation Checked"),
    ("over_limit", "Over a Limit"),
    ("within_limits", "Within its Limits Again"),
    ("storage_limit", "Storage Limit"),
    ("confirm_installation", "Master Confirmed"),
]


class SaasAuditEntry(models.Model):
    """Who did what, from what to what. It holds ids and names and no foreign key: an entry stays as
    it is when what it speaks of is merged, renamed or removed.
    """

    _name = "saas.audit.entry"
    _description = "Audit Log Entry"
    _order = "id desc"
    _rec_name = "record_name"
    _log_access = False

    at = fields.Datetime("When", required=True, readonly=True, index=True)
    user_id_int = fields.Integer("User ID", readonly=True)
    user_name = fields.Char("Who", readonly=True)
    actor = fields.Selection(
        [("person", "Person"), ("sidecar", "Sidecar"), ("system", "System")],
        required=True,
        readonly=True,
    )
    model = fields.Char("Technical Kind", readonly=True)
    record_id_int = fields.Integer("Record ID", readonly=True)
    record_name = fields.Char("Record", readonly=True)
    tenant_ref = fields.Char("Tenant", readonly=True, index=True)
    company_id_int = fields.Integer(
        "Company ID", readonly=True, help="Whose staff can read it; 0 for all companies."
    )
    action = fields.Selection(ACTIONS, required=True, readonly=True, index=True)
    field = fields.Char("Technical Field", readonly=True)
    old = fields.Text("Raw Old Value", readonly=True)
    new = fields.Text("Raw New Value", readonly=True)
    reason = fields.Text(readonly=True)

    def init(self):
        """What the ORM refuses, the database refuses too, whoever asks and however."""
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION saas_audit_entry_append_only() RETURNS trigger AS $$
                BEGIN
                    RAISE EXCEPTION 'The audit log is append-only: entries stay as they are.';
                END;
                $$ LANGUAGE plpgsql;
                DROP TRIGGER IF EXISTS saas_audit_entry_append_only ON saas_audit_entry;
                CREATE TRIGGER saas_audit_entry_append_only
                    BEFORE UPDATE OR DELETE OR TRUNCATE ON saas_audit_entry
                    FOR EACH STATEMENT EXECUTE FUNCTION saas_audit_entry_append_only();
                """
            )
        )

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("The audit log is append-only: an entry cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The audit log is append-only: an entry cannot be removed."))

    @api.model
    def _log(self, records, action, field="", old="", new="", reason=""):
        """Add an entry for each of ``records``.

        :param field: what of the record was changed; "" when the action is all there is to say
        :param reason: what the person said, or what made it happen; what the context has ``Said``
            as ``saas_reason`` when left out
        """
        env = self.env
        entry = {
            "at": fields.Datetime.now(),
            "user_id_int": env.uid,
            "user_name": env.user.name,
            "actor": self._actor(),
            "action": action,
            "field": field,
            "old": old,
            "new": new,
            "reason": reason or said(env, "saas_reason"),
        }
        return self.sudo().create(
            [
                {
                    **entry,
                    "model": record._name,
                    "record_id_int": record.id,
                    "record_name": record.display_name,
                    "tenant_ref": record._audit_tenant_ref()
                    if hasattr(record, "_audit_tenant_ref")
                    else "",
                    "company_id_int": self._company_of(record).id or 0,
                }
                for record in records.sudo()
            ]
        )

    @api.model
    def _company_of(self, record):
        """The one whose tenant or plan it is; none for what all companies have together."""
        if record._name in ("saas.tenant", "saas.subscription", "product.template"):
            return record.company_id
        if "tenant_id" in record._fields:
            return record.tenant_id.company_id
        return self.env["res.company"]

    @api.model
    def _actor(self):
        actor = said(self.env, "saas_actor")
        return actor or ("system" if self.env.uid == SUPERUSER_ID else "person")
