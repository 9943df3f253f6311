/** What a new cluster is furnished with, as a hosting company's would be: names, volumes, an ingress controller. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Addresses } from "./addresses.ts"
import { images } from "./images.ts"
import type { KubeObject } from "./kubectl.ts"
import { nodeName } from "./node.ts"

export const storageClass = "local"
export const ingressClass = "traefik"

/** How many claims of at most so much can be met; nobody holds the pods to it. */
const volumeCount = 60
const volumeSize = "200Gi"

/**
 * Volumes that are folders of the node, made beforehand: no provisioner runs. `Retain`: what a claim left behind
 * stays, and its volume is not given to another one until somebody removes it.
 */
export function volumes(folder: string): KubeObject[] {
  const node = { key: "kubernetes.io/hostname", operator: "In", values: [nodeName] }
  const one = (name: string): KubeObject => {
    const path = join(folder, name)
    mkdirSync(path, { recursive: true })
    return {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: {
        capacity: { storage: volumeSize },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: storageClass,
        // Unlike hostPath this kind is handed over to the group of the pod (fsGroup), as a cloud's disks are.
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [node] }] } },
      },
    }
  }
  return [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: storageClass, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "kubernetes.io/no-provisioner",
      reclaimPolicy: "Retain",
      volumeBindingMode: "WaitForFirstConsumer",
    },
    ...Array.from({ length: volumeCount }, (_, at) => one(`volume-${String(at + 1).padStart(3, "0")}`)),
  ]
}

const dnsLabels = { "k8s-app": "kube-dns" }

/** Under the names and labels that it has everywhere: network policies choose it by them. */
export function dns(addresses: Addresses): KubeObject[] {
  const namespace = "kube-system"
  const coreFile = `.:53 {
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        ttl 5
    }
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`
  return [
    ...account("coredns", namespace, [
      { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ]),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "coredns", namespace },
      data: { Corefile: coreFile },
    },
    deployment("coredns", namespace, dnsLabels, {
      dnsPolicy: "Default",
      // The pods' own port counts for network policies, and is 53 everywhere, where it is root's to listen on.
      securityContext: { ...unprivileged, sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] },
      containers: [
        container("coredns", images.dns, {
          args: ["-conf", "/etc/coredns/Corefile"],
          ports: [{ containerPort: 53, protocol: "UDP" }],
          readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
          volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
        }),
      ],
      volumes: [{ name: "config", configMap: { name: "coredns" } }],
    }),
    service("kube-dns", namespace, dnsLabels, addresses.dns, [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
    ]),
  ]
}

const traefikLabels = { "app.kubernetes.io/name": "traefik" }

/** Answers at the address of its service, ports 80 and 443; its own kinds (Middleware) are installed beside it. */
export function ingress(addresses: Addresses): KubeObject[] {
  const namespace = "traefik"
  const read = ["get", "list", "watch"]
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: ingressClass, annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
      spec: { controller: "traefik.io/ingress-controller" },
    },
    ...account("traefik", namespace, [
      { apiGroups: [""], resources: ["services", "secrets", "nodes", "configmaps"], verbs: read },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"], verbs: read },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] },
      { apiGroups: ["traefik.io"], resources: ["*"], verbs: read },
    ]),
    deployment("traefik", namespace, traefikLabels, {
      containers: [
        container("traefik", images.traefik, {
          args: [
            "--entrypoints.web.address=:8000",
            "--entrypoints.websecure.address=:8443",
            "--entrypoints.websecure.http.tls=true",
            "--ping=true",
            "--ping.entrypoint=web",
            "--providers.kubernetesingress=true",
            `--providers.kubernetesingress.ingressendpoint.ip=${addresses.ingress}`,
            "--providers.kubernetescrd=true",
            // The stock 2 s are added to every new tenant's first page.
            "--providers.providersthrottleduration=100ms",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
          ],
          ports: [{ containerPort: 8000 }, { containerPort: 8443 }],
          readinessProbe: { httpGet: { path: "/ping", port: 8000 }, periodSeconds: 1 },
          // As its chart has it: large bodies are kept there on their way.
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        }),
      ],
      volumes: [{ name: "tmp", emptyDir: {} }],
    }),
    service("traefik", namespace, traefikLabels, addresses.ingress, [
      { name: "web", port: 80, targetPort: 8000 },
      { name: "websecure", port: 443, targetPort: 8443 },
    ]),
  ]
}

/** A service account of that name, with these rights in the whole cluster. */
function account(name: string, namespace: string, rules: readonly KubeObject[]): KubeObject[] {
  const group = "rbac.authorization.k8s.io"
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    { apiVersion: `${group}/v1`, kind: "ClusterRole", metadata: { name: `test-${name}` }, rules },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: `test-${name}` },
      roleRef: { apiGroup: group, kind: "ClusterRole", name: `test-${name}` },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ]
}

const unprivileged = { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: "RuntimeDefault" } }

/** One replica, as an account of the same name. */
function deployment(name: string, namespace: string, labels: KubeObject, podSpec: KubeObject): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          securityContext: unprivileged,
          ...podSpec,
        },
      },
    },
  }
}

function container(name: string, image: string, more: KubeObject): KubeObject {
  return {
    name,
    image,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...more,
  }
}

function service(
  name: string,
  namespace: string,
  selector: KubeObject,
  clusterIP: string,
  ports: readonly KubeObject[],
): KubeObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { clusterIP, selector, ports } }
}
