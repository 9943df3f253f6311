/** What a tenant has on this machine for life: an address and, where we are root, a user. Both are made of its seat. */
import type { Seats } from "../../databases/seats.ts"
import { RetryableError } from "../../domain/errors.ts"
import type { Outgoing, TenantId } from "../../domain/tenant.ts"
import type { LoopbackEndpoint } from "./endpoint.ts"
import type { Seat } from "./firewall.ts"

/** Below 1024 no tenant can listen itself: neither there nor, as if it were a neighbour, at another one's address. */
export const privilegedPort = 869
const ordinaryPort = 8069

export function tenantPort(ownUsers: boolean): number {
  return ownUsers ? privilegedPort : ordinaryPort
}

export interface Place {
  readonly endpoint: LoopbackEndpoint
  /** null where all tenants run as our own user. */
  readonly uid: number | null
}

export interface PlaceOptions {
  /** A /16 of the loopback network, such as 127.66.0.0. */
  readonly network: string
  /** null: no users of their own. */
  readonly uidBase: number | null
}

export class Places {
  readonly #seats: Seats
  readonly #options: PlaceOptions

  constructor(seats: Seats, options: PlaceOptions) {
    this.#seats = seats
    this.#options = options
  }

  async take(tenant: TenantId): Promise<Place> {
    return this.#of(await this.#seats.take(tenant))
  }

  async find(tenant: TenantId): Promise<Place | null> {
    const seat = await this.#seats.find(tenant)
    return seat === null ? null : this.#of(seat)
  }

  /** Throws where the tenant was never given a place. */
  async get(tenant: TenantId): Promise<Place> {
    const place = await this.find(tenant)
    if (place === null) throw new RetryableError(`${tenant} has no address on this machine yet.`)
    return place
  }

  /** Which user may be at which address, and what it may reach; none where tenants have no users of their own. */
  async seats(): Promise<Seat[]> {
    return (await this.#seats.all()).flatMap(({ seat, outgoing }) => {
      const { uid, endpoint } = this.#of(seat)
      return uid === null ? [] : [{ uid, address: endpoint.host, outgoing }]
    })
  }

  async setOutgoing(tenant: TenantId, outgoing: Outgoing): Promise<void> {
    await this.#seats.setOutgoing(tenant, outgoing)
  }

  async giveBack(tenant: TenantId): Promise<void> {
    await this.#seats.giveBack(tenant)
  }

  #of(seat: number): Place {
    const [first, second] = this.#options.network.split(".")
    const { uidBase } = this.#options
    return {
      endpoint: {
        host: `${first}.${second}.${seat >> 8}.${seat & 255}`,
        port: tenantPort(uidBase !== null),
      },
      uid: uidBase === null ? null : uidBase + seat,
    }
  }
}
