import type { Installation } from "../../tests/helpers/installation.ts"
import type { Master } from "../../tests/helpers/master.ts"
import type { Customers } from "./customers.ts"

export interface World {
  readonly it: Installation
  readonly master: Master
  readonly customers: Customers
}
