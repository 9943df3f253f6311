"""What the sidecar is told of a tenant. Plain functions; keys as on the wire, which are those of
`TenantSpec` in sidecar/domain/tenant.ts in snake_case. None has no place on that wire: false stands
for it.
"""

# A change of any of these raises the tenant's generation. Hosts, which have rows of their own, and
# the plan's limits say by themselves when they change.
SPEC_FIELDS = frozenset(
    "slug desired target_id server_id database_strategy template_id plan_id "
    "bootstrap_company bootstrap_country bootstrap_lang bootstrap_timezone bootstrap_user_name "
    "bootstrap_user_login banner_level banner_text notice_level notice_text staff_logins".split()
)


def tenant_spec(tenant):
    """:param tenant: one `saas.tenant` with all rights, that has its place"""
    return {
        "id": tenant.ref,
        "slug": tenant.slug,
        "generation": tenant.generation,
        "desired": tenant.desired,
        "target": tenant.target_id.name,
        "server": tenant.server_id.name,
        "database": tenant.database_strategy,
        "template": tenant.template_id._spec(),
        "limits": {
            "cpu_milli": tenant.limit_cpu_milli,
            "memory_mb": tenant.limit_memory_mb,
            "storage_mb": tenant.limit_storage_mb,
            "users": tenant.limit_users,
            "connections": tenant.limit_connections,
            "workers": tenant.limit_workers,
        },
        "outgoing": {"mail": tenant.outgoing_mail, "https": tenant.outgoing_https},
        "hosts": [
            {"name": host.name, "primary": host.primary}
            for host in tenant.host_ids.sorted(lambda host: (not host.primary, host.id))
        ],
        "bootstrap": {
            "company": tenant.bootstrap_company or tenant.name,
            "country": (tenant.bootstrap_country or "").upper(),
            "lang": tenant.bootstrap_lang or "en_US",
            "timezone": tenant.bootstrap_timezone or "",
            "user_name": tenant.bootstrap_user_name or tenant.name,
            "user_login": tenant.bootstrap_user_login or "",
        },
        "banner": banner(tenant),
        "staff_logins": staff_logins(tenant),
        "upgrade_url": f"{tenant.get_base_url()}/my/odoo/{tenant.id}#plans",
    }


def banner(tenant):
    """What a person wrote comes before what the system has to say."""
    if tenant.banner_text:
        return {"level": tenant.banner_level or "info", "text": tenant.banner_text}
    if tenant.notice_text:
        return {"level": tenant.notice_level or "info", "text": tenant.notice_text}
    return False


def staff_logins(tenant):
    return sorted({login for login in (tenant.staff_logins or "").split() if login})
