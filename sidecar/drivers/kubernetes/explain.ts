/** Why a tenant's pod does not serve: the API server's conditions and events as words that a person can act on. */
import type { V1ContainerStatus, V1PodSpec, V1PodStatus } from "@kubernetes/client-node"
import { type Deployment, isOurContainer } from "./objects/deployment.ts"
import type { KubeObject } from "./objects/object.ts"

export interface Pod extends KubeObject {
  readonly spec: V1PodSpec
  readonly status?: V1PodStatus
}

export interface KubeEvent extends KubeObject {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly lastTimestamp?: string
}

/** A volume is bound and a node is found within moments, or not without help. */
const patienceMs = 10_000

/** What no waiting mends, or "". */
export function problemOf(deployment: Deployment | null, pod: Pod | null, now: number): string {
  const refused = deployment?.status?.conditions?.find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  )
  if (refused && pod === null) return refusedPod(refused.message ?? "")
  if (pod === null) return ""
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled")
  const age = now - Date.parse(pod.metadata.creationTimestamp ?? new Date(now).toISOString())
  if (scheduled?.status === "False" && age > patienceMs) return unschedulable(scheduled.message ?? "")
  for (const container of containersOf(pod)) {
    const isOthers = deployment !== null && !isOurContainer(container)
    const problem = containerProblem(container)
    if (problem) return isOthers ? othersProblem(container) : problem
  }
  return ""
}

/** Ends of its Odoo that nobody asked for, as far as the kubelet remembers them. */
export function crashesOf(pod: Pod, now: number, windowMs: number): number {
  const ours = containersOf(pod).filter(isOurContainer)
  return ours.reduce((sum, { restartCount, lastState }) => {
    const ended = lastState?.terminated
    const at = Date.parse(String(ended?.finishedAt ?? ""))
    // Asked for: a stop, and a reload (runtime/launch.py, START_AGAIN).
    const wanted = ended?.exitCode === 0 || ended?.exitCode === 75
    return ended && !wanted && now - at < windowMs ? sum + restartCount : sum
  }, 0)
}

export function isReady(pod: Pod): boolean {
  const conditions = pod.status?.conditions ?? []
  return !pod.metadata.deletionTimestamp && conditions.some(({ type, status }) => type === "Ready" && status === "True")
}

/** In milliseconds since 1970, by the clock of its node. */
export function readySince(pod: Pod): number {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready")
  return Date.parse(String(ready?.lastTransitionTime ?? ""))
}

/** Warnings of late, each once, the last one last. */
export function warnings(events: readonly KubeEvent[]): string[] {
  const sorted = events
    .filter(({ type }) => type === "Warning")
    .sort((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)))
  return [...new Set(sorted.map(({ reason, message }) => `${reason}: ${message}`))].slice(-5)
}

function containersOf(pod: Pod): readonly V1ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
}

function containerProblem({ image, state, lastState }: V1ContainerStatus): string {
  const { reason = "", message = "" } = state?.waiting ?? {}
  switch (reason) {
    case "ErrImagePull":
    case "ImagePullBackOff":
    case "InvalidImageName":
    case "ErrImageNeverPull":
      return `The image ${image} cannot be pulled. Check TENANT_IMAGE and the nodes' access to its registry: ${message}`
    case "CreateContainerConfigError":
    case "CreateContainerError":
    case "RunContainerError":
      return `The container cannot be made: ${message}`
  }
  const ended = state?.terminated ?? lastState?.terminated
  if (ended?.reason === "OOMKilled" && !state?.running?.startedAt) {
    return "Odoo was killed because it needed more memory than its plan has. Give the tenant a larger plan."
  }
  return ""
}

function othersProblem({ name, image, state, lastState }: V1ContainerStatus): string {
  const { reason = "", message = "" } = state?.waiting ?? state?.terminated ?? lastState?.terminated ?? {}
  return (
    `The container ${name} (${image}), which others have added, keeps the pod from serving: ${reason} ${message} ` +
    "Repair or remove it."
  )
}

function refusedPod(message: string): string {
  if (/exceeded quota/.test(message)) {
    return `The pod does not fit into the namespace's quota, which comes from the plan: ${message}`
  }
  return `The cluster refuses the pod: ${message}`
}

function unschedulable(message: string): string {
  if (/persistent ?volume/i.test(message)) {
    return `The tenant's volume is not there yet: ${message} Look at the storage class and its provisioner.`
  }
  return `No node has room for the pod: ${message} Add a node, or free one.`
}
