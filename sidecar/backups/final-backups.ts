/**
 * The final backup that must exist, verified, before data is deleted: a dump of the database, the filestore and a
 * manifest with their hashes and what was in them.
 */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdtemp, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { z } from "zod"
import { countRows } from "../databases/count.ts"
import { sessionName } from "../databases/fence.ts"
import { ident, type Operator } from "../databases/operator.ts"
import { type Login, type ProgramsOptions, withLogins } from "../databases/programs.ts"
import { makeReadable } from "../databases/readable.ts"
import { dropScratch, makeScratch } from "../databases/scratch.ts"
import type { Servers } from "../databases/servers.ts"
import { PermanentError, RetryableError } from "../domain/errors.ts"
import type { FinalBackup } from "../domain/plan.ts"
import type { TenantId, TenantSpec } from "../domain/tenant.ts"
import type { Backups, Fence } from "../drivers/driver.ts"
import { ensureFolder } from "./folder.ts"
import { runProgram } from "./program.ts"

const manifestSchema = z.object({
  tenant: z.string(),
  takenAt: z.string(),
  verifiedAt: z.string().nullable(),
  sha256: z.record(z.string(), z.string()),
  counts: z.record(z.string(), z.number()),
})
type Manifest = z.infer<typeof manifestSchema>

/** What the target knows of a tenant's files. */
export interface Filestore {
  /** As many as may have to be kept. */
  bytes(tenant: TenantId): Promise<number>
  /** Writes a tar archive of them, without the sessions. */
  pack(tenant: TenantId, file: string, fence: Fence): Promise<void>
}

export interface BackupsOptions extends ProgramsOptions {
  /** Where backups are kept, a folder for each tenant. */
  readonly folder: string
  readonly filestore: Filestore
  readonly servers: Servers
  readonly installation: () => string
}

const manifestName = "manifest.json"
const draftPrefix = ".unfinished-"

export class FinalBackups implements Backups {
  readonly #options: BackupsOptions

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  async observe(tenant: TenantId): Promise<FinalBackup> {
    const manifest = await this.#read(tenant)
    if (manifest === null) return "absent"
    return manifest.verifiedAt === null ? "unverified" : "verified"
  }

  async take(spec: TenantSpec, fence: Fence): Promise<void> {
    const { servers, filestore, folder } = this.#options
    const { operator } = await servers.of(spec)
    await servers.check(fence)
    await ensureFolder(this.#folder(spec.id), 0o700)
    await this.#removeDrafts(spec.id)
    await this.#refuseWithoutRoom(operator, spec.id)
    const draft = await mkdtemp(join(this.#folder(spec.id), draftPrefix))
    try {
      const counts = await operator.session(spec.id, sessionName(fence), async (client) => {
        await makeReadable(client)
        return await countRows(client)
      })
      const args = ["-Fc", "-d", spec.id, "-f", join(draft, "db.dump")]
      await this.#postgres("pg_dump", operator.settings, args, fence)
      await filestore.pack(spec.id, join(draft, "filestore.tar"), fence)
      const sha256 = {
        "db.dump": await hashOf(draft, "db.dump"),
        "filestore.tar": await hashOf(draft, "filestore.tar"),
      }
      await this.#write(draft, {
        tenant: spec.id,
        takenAt: new Date().toISOString(),
        verifiedAt: null,
        sha256,
        counts,
      })
      // The database is gone for good seconds from now: by then all of this must be on the disk, not on its way.
      for (const name of ["db.dump", "filestore.tar", "."]) await syncPath(join(draft, name))
      await servers.check(fence)
      await rm(this.#final(spec.id), { recursive: true, force: true })
      await rename(draft, this.#final(spec.id))
      await syncPath(this.#folder(spec.id))
      await syncPath(folder)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }

  async verify(spec: TenantSpec, fence: Fence): Promise<void> {
    const manifest = await this.#read(spec.id)
    if (manifest === null) throw new RetryableError("The final backup is gone; it is taken again.")
    const final = this.#final(spec.id)
    for (const [name, hash] of Object.entries(manifest.sha256)) {
      if ((await hashOf(final, name)) !== hash) {
        await this.shelve(fence)
        throw new RetryableError(`The final backup is damaged (${name}); it is set aside and taken again.`)
      }
    }
    await runProgram("tar", ["-tf", join(final, "filestore.tar")], fence)
    const counts = await this.#restored(spec, join(final, "db.dump"), fence)
    for (const [name, count] of Object.entries(manifest.counts)) {
      if (counts[name] !== count) {
        throw new PermanentError(
          `The final backup restores ${counts[name] ?? 0} of ${count} (${name}), so nothing is deleted. Look at ${final}.`,
        )
      }
    }
    await this.#options.servers.check(fence)
    await this.#write(final, { ...manifest, verifiedAt: new Date().toISOString() })
    await syncPath(final)
  }

  async shelve(fence: Fence): Promise<void> {
    await this.#options.servers.check(fence)
    const aside = join(this.#folder(fence.tenant), `called-off-${new Date().toISOString().replaceAll(":", "-")}`)
    await rename(this.#final(fence.tenant), aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error
    })
  }

  /** Restores into a database that is dropped again, and counts what is there then. */
  async #restored(spec: TenantSpec, dump: string, fence: Fence): Promise<Record<string, number>> {
    const { servers, installation } = this.#options
    const { operator, fencing } = await servers.of(spec)
    const scratch = await fencing.act(fence, (client) => makeScratch(client, spec.id, installation()))
    try {
      await operator.session(scratch.user, sessionName(fence), (client) =>
        client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${ident(scratch.user)}`),
      )
      const args = ["--no-owner", "--no-acl", "--no-comments", "--exit-on-error", "-d", scratch.user, dump]
      await this.#postgres("pg_restore", { ...operator.settings, ...scratch }, args, fence)
      return await operator.session(scratch.user, sessionName(fence), countRows)
    } finally {
      await fencing.act(fence, (client) => dropScratch(client, spec.id))
    }
  }

  async #postgres(name: "pg_dump" | "pg_restore", login: Login, args: readonly string[], fence: Fence): Promise<void> {
    await withLogins(this.#options, fence.tenant, [login], async (command) => {
      const { program, args: all, env } = command(name, login, args)
      await runProgram(program, all, fence, env)
    })
  }

  /** What a kill in the middle has left: a whole dump, perhaps. */
  async #removeDrafts(tenant: TenantId): Promise<void> {
    for (const name of await readdir(this.#folder(tenant))) {
      if (name.startsWith(draftPrefix)) await rm(join(this.#folder(tenant), name), { recursive: true, force: true })
    }
  }

  async #refuseWithoutRoom(operator: Operator, tenant: TenantId): Promise<void> {
    const { filestore, folder } = this.#options
    const rows = await operator.query<{ bytes: string }>("SELECT pg_database_size($1) AS bytes", [tenant])
    const needed = Number(rows[0]?.bytes) + (await filestore.bytes(tenant))
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize < needed) {
      const megabytes = Math.ceil(needed / 1024 / 1024)
      throw new RetryableError(
        `The final backup may need ${megabytes} MB in ${folder}, where there is less. Free some space.`,
      )
    }
  }

  #folder(tenant: TenantId): string {
    return join(this.#options.folder, tenant)
  }

  #final(tenant: TenantId): string {
    return join(this.#folder(tenant), "final")
  }

  async #read(tenant: TenantId): Promise<Manifest | null> {
    try {
      return manifestSchema.parse(JSON.parse(await readFile(join(this.#final(tenant), manifestName), "utf8")))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
      throw error
    }
  }

  /** A power cut leaves the old manifest or the new one. */
  async #write(folder: string, manifest: Manifest): Promise<void> {
    const draft = join(folder, `${manifestName}.new`)
    const file = await open(draft, "w", 0o600)
    try {
      await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, join(folder, manifestName))
  }
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function hashOf(folder: string, name: string): Promise<string> {
  const path = join(folder, name)
  await stat(path)
  const hash = createHash("sha256")
  await pipeline(createReadStream(path), hash)
  return hash.digest("hex")
}
