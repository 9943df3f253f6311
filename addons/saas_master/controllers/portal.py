import json

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from ..models import number
from ..models.saas_operation_step import STEP_LABELS
from .sign_on import sign_on_page

# Phases in which the steps of the running operation are worth watching.
BUSY_PHASES = ("pending", "provisioning", "updating", "restoring")


def follow_language():
    """Let the page speak the language of its reader.

    Odoo shows a page without a language in its address in the one that a cookie names, such as
    that of the login page, and knows those of the website only. Who has chosen another one on the
    website keeps it.
    """
    lang = request.env.user.lang
    has_chosen = request.lang.code != request.env["ir.http"]._get_default_lang().code
    is_known = not request.env.user._is_public() and request.env["res.lang"]._get_code(lang)
    if is_known and not has_chosen:
        request.update_context(lang=lang)


class SaasPortal(CustomerPortal):
    def _prepare_portal_layout_values(self):
        follow_language()
        return super()._prepare_portal_layout_values()

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "saas_tenant_count" in counters:
            values["saas_tenant_count"] = (
                request.env["saas.tenant"].sudo().search_count(self._saas_tenant_domain())
            )
        return values

    @http.route(
        ["/my/odoo", "/my/odoo/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
    )
    def portal_my_tenants(self, page=1, **kwargs):
        values = self._prepare_portal_layout_values()
        # sudo: the domain is the customer's own, and status and plan are shown beside it
        Tenant = request.env["saas.tenant"].sudo()
        domain = self._saas_tenant_domain()
        pages = pager(
            url="/my/odoo",
            total=Tenant.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        tenants = Tenant.search(
            domain, order="id desc", limit=self._items_per_page, offset=pages["offset"]
        )
        values.update(page_name="saas_tenant", tenants=tenants, pager=pages, default_url="/my/odoo")
        return request.render("saas_master.portal_my_tenants", values)

    @http.route("/my/odoo/<int:tenant_id>", type="http", auth="user", website=True, readonly=True)
    def portal_my_tenant(self, tenant_id, **kwargs):
        values = self._prepare_portal_layout_values()
        try:
            tenant = self._saas_own_tenant(tenant_id)
        except (AccessError, MissingError):
            return self._saas_elsewhere(tenant_id)
        values.update(self._saas_tenant_values(tenant))
        response = request.render("saas_master.portal_my_tenant", values)
        response.headers["Cache-Control"] = "no-store"
        return response

    @http.route(
        "/my/odoo/<int:tenant_id>/open",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_open_tenant(self, tenant_id, **kwargs):
        try:
            tenant = self._saas_own_tenant(tenant_id)
        except (AccessError, MissingError):
            return request.redirect("/my/odoo")
        ask = tenant.with_user(request.env.user)._portal_sign_on
        return sign_on_page(tenant, ask, back=f"/my/odoo/{tenant.id}")

    @http.route(
        "/my/odoo/<int:tenant_id>/plan",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_wish_plan(self, tenant_id, plan_id="", **kwargs):
        try:
            tenant = self._saas_own_tenant(tenant_id)
        except (AccessError, MissingError):
            return request.redirect("/my/odoo")
        wished = number.whole(plan_id)
        plan = tenant._other_plans().filtered(lambda plan: plan.id == wished)
        # What is no longer sold meanwhile is no longer on the page either.
        if plan:
            tenant._wish_plan(plan)
        return request.redirect(f"/my/odoo/{tenant.id}#plans")

    def _saas_tenant_domain(self):
        """The customer's own, whatever groups the person has: staff have the backend."""
        return [("is_mine", "=", True), ("phase", "!=", "deleted")]

    def _saas_own_tenant(self, tenant_id):
        """The tenant with all rights, once it is certain that it is the customer's own.

        :raise MissingError: there is none
        :raise AccessError: it is somebody else's
        """
        tenant = self._document_check_access("saas.tenant", tenant_id)
        if not tenant._is_of(request.env.user) or tenant.phase == "deleted":
            raise AccessError(request.env._("This Odoo belongs to another customer."))
        # With all rights, and still the person who asks: the audit log names them.
        return tenant.with_user(request.env.user).sudo()

    def _saas_elsewhere(self, tenant_id):
        """Staff follow the customer's links, too: theirs is the tenant's page in the backend."""
        tenants = request.env["saas.tenant"]
        is_staff = request.env.user.has_group("saas_master.group_saas_viewer")
        if is_staff and tenants.search_count([("id", "=", tenant_id)]):
            return request.redirect(f"/odoo/saas-tenants/{tenant_id}")
        return request.redirect("/my/odoo")

    def _saas_tenant_values(self, tenant):
        busy = tenant.phase in BUSY_PHASES and tenant.desired == "running"
        labels = {kind: request.env._(label) for kind, label in STEP_LABELS.items()}
        return {
            "page_name": "saas_tenant",
            "tenant": tenant,
            "subscription": tenant.subscription_id,
            "busy": busy,
            "sign_on_as": tenant._login_of(request.env.user),
            "plans": tenant._other_plans() if tenant.desired != "deleted" else [],
            "steps": tenant._progress()["steps"] if busy else [],
            "step_labels_json": json.dumps(labels),
            "has_overdue_invoices": self._saas_has_overdue_invoices(tenant),
        }

    def _saas_has_overdue_invoices(self, tenant):
        """Whether paying is what the customer can do about a suspension."""
        due = [
            ("commercial_partner_id", "=", tenant.owner_id.id),
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("payment_state", "in", ("not_paid", "partial")),
            ("invoice_date_due", "<", fields.Date.today()),
        ]
        # sudo: only whether there is one; the page behind the link checks for itself
        return bool(request.env["account.move"].sudo().search_count(due, limit=1))
