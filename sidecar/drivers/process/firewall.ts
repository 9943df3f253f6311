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
  readonly databases: readonly { readonly host: string; readonly port: number }[]
  readonly relay: Relay | null
}

/** Its name is looked up whenever rules are made: its address may change. */
interface Relay {
  readonly host: string
  readonly port: number
}

const mailPorts = "{ 25, 465, 587 }"

/** Replaces the whole table in one transaction, so that there is no moment without rules. */
export function ruleset(
  { table, firstUid, lastUid, databases }: FirewallOptions,
  relay: { readonly address: string; readonly port: number } | null,
  seats: readonly Seat[],
): string {
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
    ${databases.map(({ host, port }) => `ip daddr ${host} tcp dport ${port} accept`).join("\n    ")}
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
  #last: Promise<void> = Promise.resolve()
  #applied = ""

  private constructor(options: FirewallOptions) {
    this.#options = options
  }

  /** null where there is no nftables or no right to use it. */
  static async open(options: FirewallOptions): Promise<Firewall | null> {
    const answer = await execa("nft", ["list", "tables"], { reject: false })
    return answer.exitCode === 0 ? new Firewall(options) : null
  }

  /** Whoever comes last has read the seats last: an older list never takes the place of a newer one. */
  async apply(seats: () => Promise<readonly Seat[]>): Promise<void> {
    const mine = this.#last.then(async () => {
      const rules = ruleset(this.#options, await this.#relay(), await seats())
      if (rules !== this.#applied || !(await this.isThere())) await this.#load(rules)
    })
    // Whoever comes next waits for it, and need not know how it went.
    this.#last = mine.catch(() => undefined)
    await mine
  }

  /** Somebody who loads other rules on this machine may have flushed ours. */
  async isThere(): Promise<boolean> {
    const { exitCode } = await execa("nft", ["list", "table", "inet", this.#options.table], { reject: false })
    return exitCode === 0
  }

  async #relay() {
    const { relay } = this.#options
    return relay ? { address: (await lookup(relay.host, 4)).address, port: relay.port } : null
  }

  async #load(rules: string): Promise<void> {
    const answer = await execa("nft", ["-f", "-"], { input: rules, reject: false })
    if (answer.exitCode !== 0) throw new RetryableError(`The firewall does not take our rules: ${answer.stderr.trim()}`)
    this.#applied = rules
  }
}
