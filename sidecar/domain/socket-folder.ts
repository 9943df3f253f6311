/** Whether a server is reached by a Unix socket: `host` is the folder that it lies in. */
export function isSocketFolder(host: string): boolean {
  return host.startsWith("/")
}
