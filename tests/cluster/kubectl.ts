/** `kubectl` as a library: what tests do with a cluster, in the words of those who run clusters. */
import { type CommandResult, run, tryRun } from "../../scripts/lib/commands.ts"
import { until } from "../../scripts/lib/until.ts"

/** Any object of Kubernetes, as far as tests look into it. */
// biome-ignore lint/suspicious/noExplicitAny: what an object holds depends on its kind, and tests name one each time.
export type KubeObject = Record<string, any>

export class Kubectl {
  readonly program: string
  readonly #env: Readonly<Record<string, string>>

  /** `own` is told to kubectl beside the environment of this process, which other people's sign-on may need. */
  constructor(program: string, kubeconfig: string, own: Readonly<Record<string, string>> = {}) {
    this.program = program
    this.#env = { ...(process.env as Record<string, string>), ...own, KUBECONFIG: kubeconfig }
  }

  /** Answers what it wrote to its standard output; throws with its own words when it fails. */
  run(args: readonly string[], input = ""): Promise<string> {
    return run(this.program, args, { env: this.#env, input })
  }

  /** Resolves whatever the exit code. */
  try(args: readonly string[], input = ""): Promise<CommandResult> {
    return tryRun(this.program, args, { env: this.#env, input })
  }

  /** Server-side, as a field manager of the tests'. */
  async apply(...objects: readonly KubeObject[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects }
    await this.run(["apply", "--server-side", "--field-manager=test-cluster", "-f", "-"], JSON.stringify(list))
  }

  /** null when there is none. */
  async get(kind: string, name: string, namespace = "default"): Promise<KubeObject | null> {
    const told = await this.run(["get", kind, name, `--namespace=${namespace}`, "--ignore-not-found", "-o", "json"])
    return told.trim() === "" ? null : JSON.parse(told)
  }

  async list(kind: string, namespace = "default"): Promise<KubeObject[]> {
    return JSON.parse(await this.run(["get", kind, `--namespace=${namespace}`, "-o", "json"])).items
  }

  /** Resolves with the pod when it is ready; throws with its conditions, events and log when it does not get there. */
  async podReady(name: string, namespace = "default", seconds = 60): Promise<KubeObject> {
    const look = async () => {
      const pod = await this.get("pod", name, namespace)
      const conditions: KubeObject[] = pod?.status?.conditions ?? []
      return conditions.some(({ type, status }) => type === "Ready" && status === "True") ? pod : null
    }
    const otherwise = () => `The pod ${namespace}/${name} is not ready after ${seconds} s.`
    return until(look, { seconds, every: 200, otherwise }).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await this.whatIsWrong(name, namespace)}`)
    })
  }

  /** What a person would look at. */
  async whatIsWrong(name: string, namespace: string): Promise<string> {
    const where = `--namespace=${namespace}`
    const described = await this.try(["describe", "pod", name, where])
    const log = await this.try(["logs", name, where, "--tail=40"])
    return `${described.output.trim()}\n--- log ---\n${log.output.trim()}`
  }

  async deploymentReady(name: string, namespace: string, seconds = 90): Promise<void> {
    await this.run(["rollout", "status", `deployment/${name}`, `--namespace=${namespace}`, `--timeout=${seconds}s`])
  }
}
