/**
 * What tenants' processes may open connections to: on this machine their own address and PostgreSQL, and nothing
 * else; on the Internet what their plans say, and nothing in private networks. Mail leaves through the operator's relay
 * only, wherever that and PostgreSQL are. They answer nobody but by the socket that they were given: one that waits for a
 * port of ours to be free has nothing of it.
 */
import { lookup } from "node:dns/promises"
import { isIPv6 } from "node:net"
import { execa } from "execa"
import type { Logger } from "pino"
import { RetryableError } from "../../domain/errors.ts"
import { privateNetworks, privateNetworksV6 } from "../../domain/private-networks.ts"
import type { Outgoing } from "../../domain/tenant.ts"

export interface Seat {
  readonly uid: number
  readonly address: string
  readonly outgoing: Outgoing
}

export interface FirewallOptions {
  /** Name of the nftables table; no two installations on a machine have the same. */
  readonly table: string
  /** Every uid from the first to the last is a tenant's. */
  readonly firstUid: number
  readonly lastUid: number
  readonly databases: readonly { readonly host: string; readonly port: number }[]
  /** Ports of ours that any user may listen at while we do not. */
  readonly ownPorts: readonly number[]
  /** Its name is looked up whenever rules are made: its addresses may change. */
  readonly relay: { readonly host: string; readonly port: number } | null
  readonly log: Logger
}

const answer = "tcp flags & (syn | ack) == (syn | ack)"
const mailPorts = "{ 25, 465, 587 }"

/**
 * Replaces the whole table in one transaction, so that there is no moment without rules. Those that depend on a plan
 * hold for each packet, and so for connections that are open when the plan changes. Names can be asked for by all.
 */
export function ruleset(
  { table, firstUid, lastUid, databases, ownPorts }: Omit<FirewallOptions, "relay" | "log">,
  relay: { readonly addresses: readonly string[]; readonly port: number } | null,
  seats: readonly Seat[],
): string {
  const uids = (may: keyof Outgoing) => seats.filter(({ outgoing }) => outgoing[may]).map(({ uid }) => `${uid}`)
  const toRelay = (relay?.addresses ?? []).map((address) => {
    return `${isIPv6(address) ? "ip6" : "ip"} daddr ${address} tcp dport ${relay?.port}`
  })
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
  ${set(
    "own",
    "meta skuid . ip daddr",
    seats.map(({ uid, address }) => `${uid} . ${address}`),
  )}
  ${set("mailing", "meta skuid", uids("mail"))}
  ${set("calling", "meta skuid", uids("https"))}
  chain output {
    type filter hook output priority 0; policy accept;
    meta skuid < ${firstUid} accept
    meta skuid > ${lastUid} accept
    # Root has opened the sockets that tenants were given, and so the kernel answers there as root. With more callers than
    # have room it answers as nobody.
    meta skuid >= ${firstUid} ${answer} drop
    oifname "lo" tcp sport { ${ownPorts.join(", ")} } ${answer} drop
    ${databases.map(({ host, port }) => `ip daddr ${host} tcp dport ${port} accept`).join("\n    ")}
    meta skuid . ip daddr @own accept
    ${toRelay.map((match) => `meta skuid @mailing ${match} accept`).join("\n    ")}
    ${toRelay.map((match) => `meta skuid != @mailing ${match} reject with tcp reset`).join("\n    ")}
    udp dport 53 accept
    tcp dport 53 accept
    oifname "lo" tcp flags & (syn | ack) == syn reject with tcp reset
    oifname "lo" meta l4proto udp reject
    oifname "lo" accept
    ${refuse(`ip daddr { ${privateNetworks.join(", ")} }`)}
    ${refuse(`ip6 daddr { ${privateNetworksV6.join(", ")} }`)}
    ${refuse("meta skuid != @calling")}
    tcp dport ${mailPorts} tcp flags & (syn | ack) == syn reject with tcp reset
  }
}
`
}

/** At once: nobody waits for an answer. */
function refuse(match: string): string {
  return `${match} meta l4proto tcp reject with tcp reset
    ${match} reject`
}

/** nft takes no empty list of elements. */
function set(name: string, type: string, elements: readonly string[]): string {
  const list = elements.length > 0 ? ` elements = { ${elements.join(", ")} };` : ""
  return `set ${name} { typeof ${type};${list} }`
}

export class Firewall {
  readonly #options: FirewallOptions
  #last: Promise<void> = Promise.resolve()
  /** What was loaded last, and how nft lists it. */
  #loaded = { rules: "", listing: "" }
  #outgoing: ReadonlyMap<number, Outgoing> = new Map()

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
      const all = await seats()
      await this.#ensure(ruleset(this.#options, await this.#relay(), all))
      this.#outgoing = new Map(all.map(({ uid, outgoing }) => [uid, outgoing]))
    })
    // Whoever comes next waits for it, and need not know how it went.
    this.#last = mine.catch(() => undefined)
    await mine
  }

  /** Whether a tenant reaches what its plan says, no more and no less, by the rules that were applied last. */
  keeps(uid: number, { mail, https }: Outgoing): boolean {
    const known = this.#outgoing.get(uid)
    return known?.mail === mail && known.https === https
  }

  async #ensure(rules: string): Promise<void> {
    const isNew = rules !== this.#loaded.rules
    if (!isNew && (await this.#isAsLoaded())) return
    if (!isNew) this.#options.log.warn("somebody has changed the firewall of the tenants; it is put right")
    await this.#load(rules)
  }

  /** Somebody who loads other rules on this machine may have flushed ours. */
  async #isAsLoaded(): Promise<boolean> {
    const listing = await this.#listing()
    return listing !== "" && listing === this.#loaded.listing
  }

  /** "" where the table is not there. */
  async #listing(): Promise<string> {
    const answer = await execa("nft", ["list", "table", "inet", this.#options.table], { reject: false })
    return answer.exitCode === 0 ? answer.stdout : ""
  }

  async #relay() {
    const { relay } = this.#options
    if (relay === null) return null
    const found = await lookup(relay.host, { all: true })
    // Sorted: what is answered in turns is not another answer.
    return { addresses: found.map(({ address }) => address).sort(), port: relay.port }
  }

  async #load(rules: string): Promise<void> {
    const answer = await execa("nft", ["-f", "-"], { input: rules, reject: false })
    if (answer.exitCode !== 0) throw new RetryableError(`The firewall does not take our rules: ${answer.stderr.trim()}`)
    this.#loaded = { rules, listing: await this.#listing() }
  }
}
