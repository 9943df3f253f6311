/** What a cloud tells every pod that is not kept from asking, the keys of its node among it. Here it is some old texts. */
import type { TestCluster } from "./cluster.ts"

const address = "169.254.169.254"
const python = "/usr/bin/python3"

/** In the node, out of the way of a cloud that this machine may be in; it ends with it. */
export async function addMetadata(node: NonNullable<TestCluster["node"]>): Promise<void> {
  await node.run("ip", "address", "add", `${address}/32`, "dev", "lo")
  const server = ["-m", "http.server", "80", "--bind", address, "--directory", "/usr/share/common-licenses"]
  const probe = `import socket; socket.create_connection(("${address}", 80), 1)`
  const daemon = node.daemonInside("metadata", {
    command: [python, ...server],
    ready: async () => ((await node.try(python, "-c", probe)).code === 0 ? true : null),
  })
  await daemon.start()
}
