/**
 * Each cluster has a /16 of private addresses: several run side by side, and none lies over a network that the
 * machine is in already. The machine's end of it is a bridge; the node is a network namespace behind that.
 */
import { run } from "../../scripts/lib/commands.ts"

export interface Addresses {
  /** 10.<number>.0.0/16. */
  readonly number: number
  /** The bridge on this machine. */
  readonly bridge: string
  /** This machine, as pods reach it; the API server listens here. */
  readonly host: string
  readonly node: string
  /** The pods' gateway, in the node. */
  readonly podGateway: string
  readonly pods: string
  /** The part of `pods` that real ones have, and that of those that only look real. */
  readonly realPods: { readonly first: string; readonly last: string }
  readonly fakePods: string
  readonly services: string
  /** Services of fixed addresses. */
  readonly dns: string
  readonly ingress: string
  /** The first of the services, which is the API server itself. */
  readonly apiService: string
}

const first = 201
const last = 250

export function addressesOf(number: number): Addresses {
  const at = (rest: string) => `10.${number}.${rest}`
  return {
    number,
    bridge: `saas-k${number}`,
    host: at("0.1"),
    node: at("0.2"),
    podGateway: at("128.1"),
    pods: at("128.0/17"),
    realPods: { first: at("128.2"), last: at("191.254") },
    fakePods: at("192.0/18"),
    services: at("32.0/19"),
    apiService: at("32.1"),
    dns: at("32.10"),
    ingress: at("32.80"),
  }
}

/** One that no interface and no route of this machine has anything to do with, and that is not among `taken`. */
export async function freeAddresses(taken: ReadonlySet<number>): Promise<Addresses> {
  const known = `${await run("ip", ["-4", "route", "show", "table", "all"])}\n${await run("ip", ["-4", "address"])}`
  for (let number = first; number <= last; number++) {
    if (!taken.has(number) && !new RegExp(`(^|\\s)10\\.${number}\\.`).test(known)) return addressesOf(number)
  }
  throw new Error(`All networks from 10.${first}.0.0 to 10.${last}.0.0 are taken. Stop a cluster, then try again.`)
}

/** The routes from this machine to what is in the node: pods and services answer here as they do in the cluster. */
export async function joinHost(addresses: Addresses): Promise<void> {
  const { bridge, host, node, pods, services } = addresses
  await leaveHost(addresses)
  await run("ip", ["link", "add", bridge, "type", "bridge"])
  await run("ip", ["address", "add", `${host}/24`, "dev", bridge])
  await run("ip", ["link", "set", bridge, "up"])
  for (const network of [pods, services]) await run("ip", ["route", "add", network, "via", node, "dev", bridge])
}

/** `pid` is any process in the node's network namespace; its end of the cable becomes eth0 there. */
export async function joinNode({ bridge, host, node }: Addresses, pid: number): Promise<void> {
  const inside = (...args: string[]) => run("nsenter", [`--target=${pid}`, "--net", "--", "ip", ...args])
  const end = `${bridge}n`
  await run("ip", ["link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", String(pid)])
  await run("ip", ["link", "set", end, "master", bridge, "up"])
  await inside("link", "set", "lo", "up")
  await inside("address", "add", `${node}/24`, "dev", "eth0")
  await inside("link", "set", "eth0", "up")
  await inside("route", "add", "default", "via", host)
}

/** The routes go with the bridge. */
export async function leaveHost({ bridge }: Addresses): Promise<void> {
  for (const link of [`${bridge}n`, bridge]) {
    if ((await run("ip", ["-o", "link", "show"])).includes(` ${link}`)) await run("ip", ["link", "delete", link])
  }
}
