import { makeInstallation } from "/work/main/tests/helpers/installation.ts"
import { openProcessTarget } from "/work/main/sidecar/drivers/process/open.ts"
import { pino } from "pino"
import { readFileSync } from "node:fs"
const it = await makeInstallation("smoke", { parts: "database" })
console.log(it.stateDir, it.ports)
const timed = async <T>(name: string, p: () => Promise<T>) => { const t = performance.now(); const r = await p(); console.log(name, Math.round(performance.now() - t), "ms", r === undefined ? "" : JSON.stringify(r).slice(0, 300)); return r }
try {
const world = await openProcessTarget({
  name: "local", server: "local", stateDir: it.stateDir, repository: "/work/main",
  operator: { host: "127.0.0.1", port: it.ports.postgres, user: "saas_operator", password: it.secrets.read("pg-operator-password"), database: "saas_operator" },
  postgresBin: "/usr/lib/postgresql/15/bin", root: Buffer.from(it.secrets.read("root-key"), "hex"),
  odoo: { python: "/usr/bin/python3", home: "/var/cache/odoo-saas/odoo/19.0.0+dfsg-1", bin: "" }, relay: null,
  network: it.network, uidBase: it.uidBase, clones: 2, installation: () => "inst-1",
  router: () => ({ apply: async () => {}, observe: async () => ({ hosts: [], state: { kind: "none" as const } }), remove: async () => {} }),
  log: pino({ level: "warn" }),
})
const template = { key: "0123456789", release: { name: "19", odooVersion: "19.0", sources: [] }, modules: ["crm", "sale_management", "contacts"] }
const signal = new AbortController().signal
const fence = { tenant: "taaaaaaaaaa", epoch: 1, signal }
const spec: any = { id: "taaaaaaaaaa", slug: "acme", generation: 1, desired: "running", reason: "", target: "local", server: "local", template, limits: { cpuMilli: 1000, memoryMb: 1024, storageMb: 5000, users: 5, connections: 10 }, hosts: [{ name: "acme.localhost", primary: true }], bootstrap: {}, banner: null, staffLogins: [], upgradeUrl: "" }
console.log(await world.target.describe(), await world.target.servers.describe())
await timed("build", () => world.templates.build(template, { ...fence, tenant: "tpl_0123456789" }))
await timed("observe template", () => world.templates.observe(template))
await timed("observe", () => world.databases.observe(spec))
await timed("clone", () => world.databases.clone(spec, fence))
await timed("observe", () => world.databases.observe(spec))
await timed("prepare", () => world.databases.prepare(spec, fence))
await timed("observe", () => world.databases.observe(spec))
await timed("files", () => world.target.files.ensure(spec, fence))
await timed("open", () => world.databases.open(spec, fence))
await timed("observe", () => world.databases.observe(spec))
await timed("start", () => world.target.runtime.ensure(spec, fence))
const t = performance.now()
for (;;) { const o = await world.target.runtime.observe(spec.id); if (o.state === "ready") { console.log("ready", Math.round(performance.now() - t), o); break } if (o.state === "stopped") { console.log(o, await world.target.runtime.logs(spec.id, 30)); break } if (performance.now() - t > 30000) {console.log("timeout", o, await world.target.runtime.logs(spec.id, 30)); break}; await new Promise(r => setTimeout(r, 50)) }
await timed("usage", () => world.databases.usage(spec))
console.log(readFileSync(`${it.stateDir}/tenants/${spec.id}/odoo.conf`, "utf8").replace(/db_password.*/, "db_password = …"))
await timed("stop", () => world.target.runtime.stop(fence, 5))
await timed("observe rt", () => world.target.runtime.observe(spec.id))
await timed("backup", () => world.target.backups.take(spec, fence))
await timed("verify", () => world.target.backups.verify(spec, fence))
await timed("obs backup", () => world.target.backups.observe(spec.id))
await timed("drop", () => world.databases.drop(fence))
await timed("remove rt", () => world.target.runtime.remove(fence))
await timed("remove files", () => world.target.files.remove(fence))
await timed("observe", () => world.databases.observe(spec))
await world.databases.close()
} finally { if (!process.env.KEEP) await it.destroy() }
