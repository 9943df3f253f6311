/** Networks that are not the Internet: other tenants, the cloud's metadata (169.254.169.254), whatever the operator has. */

export const linkLocalNetwork = "169.254.0.0/16"

export const privateNetworks = ["10.0.0.0/8", "100.64.0.0/10", linkLocalNetwork, "172.16.0.0/12", "192.168.0.0/16"]

export const privateNetworksV6 = ["fc00::/7", "fe80::/10"]
