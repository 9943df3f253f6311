"""Whose a tenant is was worked out of its contact at every look. Keep what is true of it now."""


def migrate(cr, version):
    if not version:
        return
    cr.execute("ALTER TABLE saas_tenant ADD COLUMN IF NOT EXISTS owner_id int4")
    cr.execute("ALTER TABLE saas_tenant ADD COLUMN IF NOT EXISTS first_user_id int4")
    # The subscription has been with the company that bought it from the first day on.
    cr.execute(
        """
        UPDATE saas_tenant tenant
           SET owner_id = COALESCE(company.commercial_partner_id, contact.commercial_partner_id)
          FROM res_partner contact, saas_tenant of
     LEFT JOIN saas_subscription subscription ON subscription.id = of.subscription_id
     LEFT JOIN res_partner company ON company.id = subscription.partner_id
         WHERE tenant.id = of.id
           AND contact.id = of.partner_id
           AND tenant.owner_id IS NULL
        """
    )
    # Who was let in as the first user: the contact's own account, or one with its address as login;
    # now only as long as it is one of the owner's.
    cr.execute(
        """
        UPDATE saas_tenant tenant
           SET first_user_id = (
                   SELECT person.id
                     FROM res_users person
                     JOIN res_partner of ON of.id = person.partner_id
                    WHERE person.active
                      AND (of.id = tenant.owner_id OR of.commercial_partner_id = tenant.owner_id)
                      AND (
                              of.id = tenant.partner_id
                           OR lower(person.login) = lower(tenant.bootstrap_user_login)
                          )
                 ORDER BY of.id = tenant.partner_id DESC,
                          lower(person.login) = lower(tenant.bootstrap_user_login) DESC,
                          person.id
                    LIMIT 1
               )
         WHERE tenant.first_user_id IS NULL
        """
    )
