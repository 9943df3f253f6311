/**
 * What answers a tenant's websockets where its plan has workers: each of those answers one request at a time, and a
 * websocket never ends. It is a container beside theirs and not a pod of its own, because both need the files and the
 * sessions, which are in a volume that one node has at a time.
 */
import type { V1Container } from "@kubernetes/client-node"
import type { Limits } from "../../../domain/tenant.ts"
import { places, pythonContainer } from "./pod.ts"
import { probes } from "./probes.ts"

export const websocketName = "websocket"
export const websocketPort = 8072

type Share = Pick<Limits, "cpuMilli" | "memoryMb">

/** A quarter of what a plan gives, since it only passes on; but it has to load as much as the others, and in their time. */
export function websocketShare({ cpuMilli, memoryMb }: Share): Share {
  return {
    cpuMilli: Math.round(between(500, cpuMilli / 4, cpuMilli / 2)),
    memoryMb: Math.round(between(256, memoryMb / 4, 512)),
  }
}

/** What is left: both together never have more than the plan gives. */
export function workersShare(plan: Share): Share {
  const websocket = websocketShare(plan)
  return { cpuMilli: plan.cpuMilli - websocket.cpuMilli, memoryMb: plan.memoryMb - websocket.memoryMb }
}

export function websocketContainer(image: string, plan: Share): V1Container {
  return {
    ...pythonContainer({
      name: websocketName,
      image,
      args: [`${places.runtime}/launch.py`, "gevent", "-c", places.conf],
      limits: websocketShare(plan),
      conf: true,
    }),
    ports: [{ name: websocketName, containerPort: websocketPort }],
    ...probes(websocketPort),
  }
}

function between(least: number, value: number, most: number): number {
  return Math.min(Math.max(least, value), most)
}
