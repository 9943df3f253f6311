/** The composition root: reads the settings, puts the parts together, starts them in order and stops them backwards. */
import { randomBytes } from "node:crypto"
import { createRequire } from "node:module"
import { hostname } from "node:os"
import { destination, type Logger, pino } from "pino"
import { type Config, ConfigError, readConfig, tenantUrlPort } from "./config.ts"
import { signingKey } from "./domain/tokens.ts"
import { createApp, listen, listenAtSocket } from "./http/app.ts"
import { checksOf } from "./http/checks.ts"
import { Metrics } from "./http/metrics.ts"
import { signOn } from "./http/sign-on.ts"
import { XmlRpcMaster } from "./odoo/xmlrpc.ts"
import { Availability, noted, watched } from "./reconcile/availability.ts"
import { Patrol } from "./reconcile/patrol.ts"
import { Session } from "./reconcile/session.ts"
import { findStrays } from "./reconcile/strays.ts"
import { TenantControl } from "./reconcile/tenant-control.ts"
import { Worker } from "./reconcile/worker.ts"
import { openTarget } from "./target.ts"

const { version } = createRequire(import.meta.url)("../package.json") as { version: string }

/** Acts under way get so long when we are asked to stop. */
const graceSeconds = 15

/** Nobody logs these on purpose; errors of libraries carry more than one thinks. */
const redact = ["password", "token", "key", "authorization"].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

type Releaser = () => Promise<void>

async function start(config: Config, log: Logger): Promise<Releaser> {
  const releasers: Releaser[] = []
  const name = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`
  const masterThere = new Availability("the master", log)
  const master = watched(
    new XmlRpcMaster({
      url: config.MASTER_URL,
      database: config.MASTER_DB,
      login: config.MASTER_LOGIN,
      password: config.MASTER_PASSWORD_FILE,
    }),
    masterThere,
  )
  const session = new Session({ worker: name, version, master, log })
  const served = await openTarget(config, () => session.installation, log)
  const { target, databases, templates } = served
  releasers.push(
    () => databases.close(),
    () => target.close(),
  )

  served.logs.start()
  releasers.push(() => served.logs.stop())

  const key = signingKey(config.ROOT_KEY_FILE)
  const world = {
    target,
    databases,
    templates,
    control: new TenantControl(target.runtime, key),
    surroundings: {
      urlScheme: config.TENANT_URL_SCHEME,
      urlPort: tenantUrlPort(config),
      mail: config.SMTP_HOST !== null,
    },
  }
  const metrics = new Metrics()
  const postgresThere = new Availability("PostgreSQL", log)
  const gate = async () => {
    session.check()
    await noted(postgresThere, () => databases.ping())
  }
  const worker = new Worker({
    name,
    master,
    world,
    telemetry: metrics,
    log,
    gate,
    maxOperations: config.MAX_OPERATIONS,
    leaseSeconds: config.LEASE_SECONDS,
    pollSeconds: config.POLL_SECONDS,
    graceSeconds,
  })
  const patrol = new Patrol({
    master,
    world,
    telemetry: metrics,
    log,
    gate,
    roundSeconds: config.PATROL_SECONDS,
    isWorkingOn: (tenant) => worker.isWorkingOn(tenant),
    asked: () => worker.nudge(),
  })
  metrics.watch({ queued: () => session.queued, running: () => worker.running })
  const app = createApp({
    token: config.NUDGE_TOKEN_FILE,
    checks: checksOf({ session, master: masterThere, databases, target: target.name }),
    metrics,
    nudge: () => worker.nudge(),
    signOn: signOn(key),
    log,
  })
  const listening = await listen(app, config.SIDECAR_HOST, config.SIDECAR_PORT)
  releasers.push(() => listening.close())
  if (config.SIDECAR_SOCKET !== null) {
    const local = await listenAtSocket(app, config.SIDECAR_SOCKET)
    releasers.push(() => local.close())
  }
  // Without a word of the master's everybody would be a stranger.
  const strays = async () => (patrol.hasLearned ? await findStrays(world, (tenant) => patrol.knows(tenant), log) : null)
  session.start({ ...served, strays })
  releasers.push(() => session.stop())
  worker.start()
  patrol.start()
  // Together: leases are not to wait for a look at a tenant that does not answer.
  releasers.push(async () => {
    await Promise.all([worker.stop(), patrol.stop()])
  })
  log.info({ name, version, port: listening.port }, "the sidecar works")
  return async () => {
    for (const release of releasers.reverse()) await release()
  }
}

/** Lines that are written at once: what is said just before a kill is what somebody will want to read. */
function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact }, destination({ sync: true }))
}

async function main(): Promise<void> {
  const config = readConfig(process.env)
  // A stricter one would shut tenants out of what is meant for them; secrets are made with modes of their own.
  process.umask(0o022)
  const log = createLog(config.LOG_LEVEL)
  const stop = await start(config, log)
  let stopping = false
  const end = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, "stopping: leases are handed back")
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "the stop failed")
        process.exit(1)
      },
    )
  }
  process.on("SIGTERM", end)
  process.on("SIGINT", end)
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exit(1)
})
