import type { Surroundings } from "../domain/settings.ts"
import type { Databases, Target, Templates } from "../drivers/driver.ts"
import type { TenantControl } from "./tenant-control.ts"

/** Everything outside that an operation looks at and acts on. */
export interface World<E> {
  readonly target: Target<E>
  readonly databases: Databases
  readonly templates: Templates
  readonly control: TenantControl
  readonly surroundings: Surroundings
}
