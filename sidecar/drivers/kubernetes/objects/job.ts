/** The build of a template: the modules are installed, then the template is finished, in a pod that ends by itself. */
import type { V1JobSpec, V1JobStatus } from "@kubernetes/client-node"
import { inventory, type KubeObject, labels, metadata, type Owner } from "./object.ts"
import { places, podSpec, pythonContainer } from "./pod.ts"

export interface Job extends KubeObject {
  readonly spec: V1JobSpec
  readonly status?: V1JobStatus
}

export interface TemplateJobParts {
  readonly name: string
  readonly image: string
  readonly modules: readonly string[]
  readonly languages: readonly string[]
}

/** More than any plan: it is over in a minute, and everybody waits for it. */
const limits = { cpuMilli: 4000, memoryMb: 2048 }
const buildSeconds = 1800
/** Long enough to be looked at. */
const keptSeconds = 600

export function templateJob(owner: Owner, namespace: string, parts: TemplateJobParts): Job {
  const { name, image, modules, languages } = parts
  const run = (container: string, args: readonly string[]) =>
    pythonContainer({ name: container, image, args: [...args], limits, conf: true })
  const languageArgs = languages.length > 0 ? [`--load-language=${languages.join(",")}`] : []
  const install = [`${places.runtime}/launch.py`, "-c", places.conf, "-i", modules.join(","), ...languageArgs]
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(owner, name, namespace),
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: buildSeconds,
      ttlSecondsAfterFinished: keptSeconds,
      template: {
        metadata: { labels: { ...inventory(owner), [labels.part]: name } },
        spec: podSpec({
          initContainers: [run("install", [...install, "--stop-after-init"])],
          containers: [run("finish", [`${places.runtime}/build_template.py`, "-c", places.conf])],
          conf: name,
          claim: null,
          restartPolicy: "Never",
          graceSeconds: 5,
        }),
      },
    },
  }
}
