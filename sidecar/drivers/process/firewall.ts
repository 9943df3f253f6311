/**
 * What tenants' processes may open connections to: on this machine their own address and PostgreSQL, and nothing
 * else; elsewhere everything but mail, which leaves through the operator's relay only.
 */
import { lookup } from "node:dns/promises"
import { execa } from "execa"
import { RetryableError } from "../../domain/errors.ts"

export interface Seat {
  readonly uid: number
  readonly address: string
}

export interface FirewallOptions {
  /** Name of the nftables table; no two installations on a machine have the same. */
  readonly table: string
  /** Every uid from the first to the last is a tenant's. */
  readonly firstUid: number
  readonly lastUid: number
  readonly database: { readonly address: string; readonly port: number }
  readonly relay: { readonly address: string; readonly port: number } | null
}

const mailPorts = "{ 25, 465, 587 }"

/** Replaces the whole table in one transaction, so that there is no moment without rules. */
export function ruleset(options: FirewallOptions, seats: readonly Seat[]): string {
  const { table, firstUid, lastUid, database, relay } = options
  const elements = seats.map(({ uid, address }) => `${uid} . ${address}`).join(", ")
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
  set own {
    typeof meta skuid . ip daddr
    ${elements ? `elements = { ${elements} }` : ""}
  }
  chain output {
    type filter hook output priority 0; policy accept;
    meta skuid < ${firstUid} accept
    meta skuid > ${lastUid} accept
    ip daddr ${database.address} tcp dport ${database.port} accept
    meta skuid . ip daddr @own accept
    ${relay ? `ip daddr ${relay.address} tcp dport ${relay.port} accept` : ""}
    oifname "lo" udp dport 53 accept
    oifname "lo" tcp dport 53 accept
    oifname "lo" tcp flags & (syn | ack) == syn reject with tcp reset
    oifname "lo" meta l4proto udp reject
    tcp dport ${mailPorts} tcp flags & (syn | ack) == syn reject with tcp reset
  }
}
`
}

export class Firewall {
  readonly #options: FirewallOptions
  #applied = ""

  private constructor(options: FirewallOptions) {
    this.#options = options
  }

  /** null where there is no nftables or no right to use it. */
  static async open(options: Omit<FirewallOptions, "relay">, relay: { host: string; port: number } | null) {
    const answer = await execa("nft", ["list", "tables"], { reject: false })
    if (answer.exitCode !== 0) return null
    const address = relay ? (await lookup(relay.host, 4)).address : null
    return new Firewall({ ...options, relay: relay && address ? { address, port: relay.port } : null })
  }

  async apply(seats: readonly Seat[]): Promise<void> {
    const rules = ruleset(this.#options, seats)
    if (rules === this.#applied) return
    const answer = await execa("nft", ["-f", "-"], { input: rules, reject: false })
    if (answer.exitCode !== 0) throw new RetryableError(`The firewall does not take our rules: ${answer.stderr.trim()}`)
    this.#applied = rules
  }
}
