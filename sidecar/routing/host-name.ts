import { PermanentError } from "../domain/errors.ts"
import { isHostName } from "../domain/names.ts"

/** Before a router sends anybody there. The master refuses such a name too, with more words. */
export function refuseNoHost(name: string): void {
  if (!isHostName(name))
    throw new PermanentError(`“${name}” is not the name of a host. Give the tenant another address.`)
}
