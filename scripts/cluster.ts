/**
 * `npm run cluster -- start|stop|status`: a real Kubernetes on this machine, for developing. What is in it is told at
 * the head of tests/cluster/cluster.ts. Tests make their own and leave this one alone, unless KUBECONFIG names it.
 */
import { findLasting, startLasting } from "../tests/cluster/cluster.ts"
import { showProgress } from "./lib/progress.ts"

const commands = { start, stop, status } as const

async function start(): Promise<void> {
  const begun = performance.now()
  const cluster = await startLasting(showProgress())
  console.log(`
Ready after ${((performance.now() - begun) / 1000).toFixed(1)} s.

  export KUBECONFIG=${cluster.kubeconfig}

  Ingress (class ${cluster.ingressClass})   http://${cluster.ingressAddress}, for every host name
  Odoo image                ${cluster.odooImage}; with runtime/ and saas_tenant: ${cluster.tenantImage}
  Storage class             ${cluster.storageClass}
  Network policies          enforced
  This machine, for pods    ${cluster.hostAddress}
  kubectl                   ${cluster.kubectl.program}

npm run cluster -- stop ends it and removes all that is in it.`)
}

async function stop(): Promise<void> {
  const cluster = findLasting()
  if (cluster === null) return console.log("There is no cluster to stop.")
  await showProgress()("stop the cluster", () => cluster.stop())
}

async function status(): Promise<void> {
  const cluster = findLasting()
  if (cluster === null) return console.log("There is no cluster: npm run cluster -- start")
  for (const daemon of cluster.daemons) {
    const pid = daemon.pid()
    console.log(
      pid === null ? `  ✗ ${daemon.options.name}: ${daemon.lastWords(3)}` : `  ✓ ${daemon.options.name} (${pid})`,
    )
  }
  if (!cluster.runs()) {
    console.log("It does not run as a whole: npm run cluster -- start makes it anew.")
    process.exitCode = 1
    return
  }
  console.log(`\n${await cluster.kubectl.run(["get", "pods", "--all-namespaces"])}`)
  console.log(`export KUBECONFIG=${cluster.kubeconfig}`)
}

try {
  const [name = ""] = process.argv.slice(2)
  if (!(name in commands)) throw new Error("Say what to do: npm run cluster -- start, stop or status")
  await commands[name as keyof typeof commands]()
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
