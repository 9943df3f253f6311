/** The file that names database servers beside the one of PG_HOST. Passwords are in files of their own. */
import { z } from "zod"
import {
  databaseAddress,
  fileText,
  isNamespace,
  name as nameOf,
  networks as networksOf,
  secret,
} from "./config-values.ts"

/** Text that a setting could be, too. */
function readBy(parse: (value: string) => unknown, otherwise: string) {
  const isRight = (value: string) => {
    try {
      parse(value)
      return true
    } catch {
      return false
    }
  }
  return z.string().refine(isRight, otherwise)
}

const address = readBy(
  databaseAddress,
  "is written as 10.0.0.5:5432, or with the folder of its Unix socket as /folder:5432",
)
const roleOrDatabase = readBy(nameOf, "has small letters, digits, - and _")

const server = z.strictObject({
  /** As the master shows it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "has small letters, digits, - and _"),
  address,
  operator: roleOrDatabase.default("saas_operator"),
  passwordFile: z.string(),
  operatorDatabase: roleOrDatabase.default("saas_operator"),
  /** More tenants are refused; left out: as many as its connections are enough for. */
  maxTenants: z.number().int().positive().nullable().default(null),
  diskMb: z.number().int().positive().nullable().default(null),
  /** Where tenants do not reach it at `address`. */
  tenantAddress: address.optional(),
  /** Of Kubernetes' network policies; left out: the address that tenants reach it at. */
  networks: z.array(readBy(networksOf, "is written as 10.0.0.0/24")).default([]),
  /** Where it runs as pods of the tenants' cluster. */
  namespaces: z.array(z.string().refine(isNamespace, "is the name of a namespace")).default([]),
})

export interface FurtherServer extends Omit<z.infer<typeof server>, "passwordFile"> {
  readonly password: string
}

/** Throws an error that ends the sentence "PG_SERVERS_FILE …". */
export function serversFile(file: string): readonly FurtherServer[] {
  const found = z.array(server).safeParse(parsed(file, fileText(file)))
  if (!found.success) {
    const problems = found.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"} ${message}`)
    throw new Error(`names ${file}, in which this needs mending: ${problems.join("; ")}`)
  }
  const names = found.data.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new Error(`names ${file}, which has two servers of the name ${twice}: give each one of its own`)
  return found.data.map(({ passwordFile, ...rest }) => ({ ...rest, password: secret(passwordFile) }))
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`names ${file}, which is not JSON: ${error instanceof Error ? error.message : error}`)
  }
}
