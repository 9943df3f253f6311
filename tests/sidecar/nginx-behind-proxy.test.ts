/** nginx behind another one that ends TLS with a certificate of its own: who visits, and by which scheme? */
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http"
import { request as httpsRequest } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { suite } from "uvu"
import { pickFree } from "../../scripts/lib/ports.ts"
import { NginxRouter, type Upstream } from "../../sidecar/routing/router.ts"

const test = suite("nginx behind a proxy")
const nginx = process.env.NGINX_BIN ?? "/usr/sbin/nginx"
const host = "one.localhost"
/** The address that the proxy comes from, and the only one that is trusted. */
const proxyAddress = "127.0.0.9"

let folder: string
let proxyFolder: string
let plainPort: number
let tlsPort: number
let tenant: Server
let seen: IncomingMessage | null = null

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "saas-nginx-"))
  chmodSync(folder, 0o755)
  plainPort = await pickFree(18_600, 18_625)
  tlsPort = await pickFree(18_626, 18_649)
  tenant = createServer((request, response) => {
    seen = request
    response.setHeader("set-cookie", "session_id=abc; Path=/; HttpOnly")
    response.end("hello")
  })
  await new Promise<void>((resolve) => tenant.listen(0, "127.70.2.2", resolve))
  const upstream: Upstream = { host: "127.70.2.2", port: (tenant.address() as AddressInfo).port }
  const router = new NginxRouter({
    folder,
    bin: nginx,
    httpPort: plainPort,
    masterHost: "localhost",
    masterUpstream: "127.70.2.1:9",
    trustedProxies: [`${proxyAddress}/32`, "::1"],
    secureCookies: true,
    guard: async () => undefined,
  })
  await router.start()
  const fence = { tenant: "taaaaaaaaaa", epoch: 1, server: "local", signal: new AbortController().signal }
  await router.apply(fence, upstream, [{ name: host, primary: true }], { kind: "up" })
  proxyFolder = mkdtempSync(join(tmpdir(), "saas-proxy-"))
  startProxy()
})

test.after(() => {
  for (const one of [folder, proxyFolder]) {
    process.kill(Number(readFileSync(join(one, "nginx.pid"), "utf8")), "SIGTERM")
    rmSync(one, { recursive: true, force: true })
  }
  tenant.close()
})

/** As an operator would configure it: TLS outside, plain HTTP to us, and the headers that everybody sets. */
function startProxy(): void {
  const certificate = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"]
  const names = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`]
  execFileSync("openssl", ["req", "-x509", ...certificate, ...names], { cwd: proxyFolder, stdio: "ignore" })
  mkdirSync(join(proxyFolder, "tmp"))
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  const text = `pid ${proxyFolder}/nginx.pid; error_log ${proxyFolder}/error.log; events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${proxyFolder}/tmp/${name};`).join(" ")}
  server {
    listen 127.0.0.1:${tlsPort} ssl;
    ssl_certificate ${proxyFolder}/cert.pem; ssl_certificate_key ${proxyFolder}/key.pem;
    location / {
      proxy_pass http://127.0.0.1:${plainPort};
      proxy_bind ${proxyAddress};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`
  writeFileSync(join(proxyFolder, "nginx.conf"), text)
  execFileSync(nginx, ["-p", proxyFolder, "-c", join(proxyFolder, "nginx.conf"), "-e", join(proxyFolder, "error.log")])
}

interface Visit {
  /** The visitor's own address. */
  readonly from: string
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
}

/** The cookie that the last visitor got. */
let cookie = ""

/** Resolves with the status. */
function visit(secure: boolean, { from, method = "GET", path = "/", headers = {} }: Visit): Promise<number> {
  const port = secure ? tlsPort : plainPort
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, localAddress: from, method, path, agent: false }
    const named = { ...options, headers: { host: `${host}:${port}`, ...headers } }
    const answered = (answer: IncomingMessage) => {
      cookie = answer.headers["set-cookie"]?.[0] ?? ""
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0))
    }
    const ca = secure ? readFileSync(join(proxyFolder, "cert.pem")) : undefined
    const request = secure
      ? httpsRequest({ ...named, ca, servername: host }, answered)
      : httpRequest({ ...named }, answered)
    request.on("error", reject).end()
  })
}

test("the tenant learns the visitor's address, and that they came by https", async () => {
  assert.equal(await visit(true, { from: "127.0.0.5" }), 200)
  assert.equal(seen?.headers["x-forwarded-proto"], "https")
  assert.equal(seen?.headers["x-forwarded-for"], "127.0.0.5")
  assert.equal(seen?.headers["x-real-ip"], "127.0.0.5")
  assert.equal(seen?.headers["x-forwarded-host"], `${host}:${tlsPort}`)
})

test("the cookie of a session is for https only", async () => {
  await visit(true, { from: "127.0.0.5" })
  assert.match(cookie, /session_id=abc;.*HttpOnly.*; *secure/i)
})

test("what a visitor claims through the proxy is not believed", async () => {
  await visit(true, { from: "127.0.0.5", headers: { "x-forwarded-for": "8.8.8.8", "x-forwarded-proto": "gopher" } })
  assert.equal(seen?.headers["x-forwarded-for"], "127.0.0.5")
  assert.equal(seen?.headers["x-forwarded-proto"], "https")
})

test("who comes past the proxy is not believed at all", async () => {
  await visit(false, { from: "127.0.0.5", headers: { "x-forwarded-for": "8.8.8.8", "x-forwarded-proto": "https" } })
  assert.equal(seen?.headers["x-forwarded-for"], "127.0.0.5")
  assert.equal(seen?.headers["x-forwarded-proto"], "http")
})

test("attempts to sign in are counted for each visitor, not for the proxy", async () => {
  const attempt = (from: string) => visit(true, { from, method: "POST", path: "/web/login" })
  const statuses = await Promise.all(Array.from({ length: 20 }, () => attempt("127.0.0.6")))
  assert.ok(statuses.filter((status) => status === 429).length >= 5, statuses.join(" "))
  assert.equal(await attempt("127.0.0.7"), 200)
})

test.run()
