/** What a pod gets through to, tried from inside it. */
import type { Kubectl } from "./kubectl.ts"

export type Address = readonly [host: string, port: number]

/** What is shut takes that long to show. */
const connectSeconds = 2

const script = `import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reaches(address):
    try:
        socket.create_connection(tuple(address), ${connectSeconds}).close()
        return True
    except OSError:
        return False
addresses = json.loads(sys.argv[1])
print(json.dumps(list(ThreadPoolExecutor(len(addresses)).map(reaches, addresses))))`

/** One answer for each, in order. There must be a python3 in the pod. */
export async function reached(
  kubectl: Kubectl,
  namespace: string,
  pod: string,
  addresses: readonly Address[],
): Promise<boolean[]> {
  const command = ["python3", "-c", script, JSON.stringify(addresses)]
  return JSON.parse(await kubectl.run(["exec", pod, `--namespace=${namespace}`, "--", ...command]))
}
