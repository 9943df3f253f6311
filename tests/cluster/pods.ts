/** Pods as tenants' are: under restricted pod security, any numeric user but root, a root that nobody can write to. */
import type { KubeObject } from "./kubectl.ts"

export interface RestrictedPod {
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** To the image's entry point. */
  readonly args: readonly string[]
  readonly port: number
  /** Asked until it answers with a 2xx. */
  readonly path: string
  readonly labels?: Readonly<Record<string, string>>
  /** More of the container: env, volumeMounts. */
  readonly container?: KubeObject
  readonly volumes?: readonly KubeObject[]
}

export const numericUser = 10_101

export function restrictedPod(pod: RestrictedPod): KubeObject {
  const { name, namespace, image, args, port, path, labels = { app: name } } = pod
  const { volumeMounts = [], ...container } = pod.container ?? {}
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: numericUser,
        runAsGroup: numericUser,
        fsGroup: numericUser,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "main",
          image,
          args,
          ports: [{ containerPort: port }],
          readinessProbe: { httpGet: { path, port }, periodSeconds: 1 },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...volumeMounts],
          ...container,
        },
      ],
      volumes: [{ name: "tmp", emptyDir: {} }, ...(pod.volumes ?? [])],
    },
  }
}

export function restrictedNamespace(name: string): KubeObject {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" }
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }
}

export function serviceOf(name: string, namespace: string, app: string, port: number): KubeObject {
  const ports = [{ name: "http", port: 80, targetPort: port }]
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { selector: { app }, ports } }
}
