/**
 * Clones share the identity of their template until they are given one of their own: a password-reset token made in
 * one clone is accepted in every other. Run before a clone first serves.
 */
import { randomBytes, randomUUID } from "node:crypto"
import type pg from "pg"

export async function giveIdentity(client: pg.Client): Promise<void> {
  await setParameter(client, "database.uuid", randomUUID())
  await setParameter(client, "database.secret", randomBytes(32).toString("hex"))
  await setParameter(client, "database.create_date", new Date().toISOString().slice(0, 19).replace("T", " "))
  // The template keeps its attachments in the database, so that a clone needs no filestore; tenants go back to files.
  await client.query("DELETE FROM public.ir_config_parameter WHERE key = 'ir_attachment.location'")
  await client.query("UPDATE public.res_users SET password = NULL")
  // All clones of a template would otherwise do their hourly and daily work in the same second.
  await client.query(
    `UPDATE public.ir_cron SET nextcall = (now() AT TIME ZONE 'UTC') + random() * CASE interval_type
       WHEN 'minutes' THEN interval_number * interval '1 minute'
       WHEN 'hours' THEN interval_number * interval '1 hour'
       ELSE interval '1 day' END
     WHERE active`,
  )
}

async function setParameter(client: pg.Client, key: string, value: string): Promise<void> {
  await client.query(
    `INSERT INTO public.ir_config_parameter (key, value, create_uid, write_uid, create_date, write_date)
     VALUES ($1, $2, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
     ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, write_date = EXCLUDED.write_date`,
    [key, value],
  )
}
