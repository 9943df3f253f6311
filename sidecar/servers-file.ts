/** The file that names database servers beside the one of PG_HOST. Passwords are in files of their own. */
import { z } from "zod"

const address = z.string().regex(/^[^:\s]+:\d{1,5}$/, "is written as 10.0.0.5:5432")

const server = z.strictObject({
  /** As the master shows it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "has small letters, digits, - and _"),
  address,
  operator: z.string().default("saas_operator"),
  passwordFile: z.string(),
  operatorDatabase: z.string().default("saas_operator"),
  /** More tenants are refused; left out: as many as its connections are enough for. */
  maxTenants: z.number().int().positive().nullable().default(null),
  diskMb: z.number().int().positive().nullable().default(null),
  /** Where tenants do not reach it at `address`. */
  tenantAddress: address.optional(),
  /** Of Kubernetes' network policies; left out: the address that tenants reach it at. */
  networks: z.array(z.string()).default([]),
  /** Where it runs as pods of the tenants' cluster. */
  namespaces: z.array(z.string()).default([]),
})

export interface FurtherServer extends Omit<z.infer<typeof server>, "passwordFile"> {
  readonly password: string
}

/** Throws an error that ends the sentence "PG_SERVERS_FILE …". `read`: of files, with readable errors. */
export function serversFile(file: string, read: (file: string) => string): readonly FurtherServer[] {
  const found = z.array(server).safeParse(parsed(file, read(file)))
  if (!found.success) {
    const problems = found.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"} ${message}`)
    throw new Error(`names ${file}, in which this needs mending: ${problems.join("; ")}`)
  }
  const names = found.data.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new Error(`names ${file}, which has two servers of the name ${twice}: give each one of its own`)
  return found.data.map(({ passwordFile, ...rest }) => ({ ...rest, password: read(passwordFile) }))
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`names ${file}, which is not JSON: ${error instanceof Error ? error.message : error}`)
  }
}
