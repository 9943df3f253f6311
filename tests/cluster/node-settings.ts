/** What the kubelet and the network plug-ins of a test cluster's node are told, as they read it from their files. */
import type { Addresses } from "./addresses.ts"

export interface KubeletParts {
  readonly addresses: Addresses
  /** File of the certificate that signs those of who may ask it. */
  readonly authority: string
  /** Its socket. */
  readonly containerd: string
  readonly cgroup: string
  readonly volumePlugins: string
  readonly resolvConf: string
}

export function kubeletSettings(parts: KubeletParts): object {
  const { addresses, authority, containerd, cgroup, volumePlugins, resolvConf } = parts
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: addresses.node,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: authority },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${containerd}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    protectKernelDefaults: true,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    volumePluginDir: volumePlugins,
    podLogsDir: "/var/log/pods",
    clusterDNS: [addresses.dns],
    clusterDomain: "cluster.local",
    resolvConf,
    seccompDefault: true,
    serializeImagePulls: false,
    // What fills the disk or the memory here are not the pods alone.
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  }
}

/** Pods of one node meet on a bridge. */
export function podNetwork({ pods, realPods, podGateway }: Addresses): object {
  return {
    cniVersion: "1.0.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: "pods",
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: pods, rangeStart: realPods.first, rangeEnd: realPods.last, gateway: podGateway }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
    ],
  }
}
