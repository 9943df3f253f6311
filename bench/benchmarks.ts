/** Every benchmark there is; `npm run bench -- NAME` runs one. */

import { kubernetes } from "./kubernetes/kubernetes.ts"
import type { Benchmark } from "./lib/benchmark.ts"
import { provision } from "./provision/provision.ts"

export const benchmarks: readonly Benchmark[] = [provision, kubernetes]
