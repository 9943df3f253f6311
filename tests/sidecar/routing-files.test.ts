/** What the router writes for nginx, and what a page tells it later. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { hostsMap } from "../../sidecar/routing/hosts-map.ts"
import { pageOf, startingPage, stateOf } from "../../sidecar/routing/pages.ts"

const test = suite("files of the router")

const upstream = "127.66.0.1:8069"
const suspended = (reason: string) => pageOf({ kind: "suspended", reason }) ?? ""

test("equal hosts make an equal map, in whatever order they come", () => {
  const a = { host: "a.localhost", upstream }
  const b = { host: "b.localhost", upstream: "127.66.0.2:8069" }
  assert.equal(hostsMap([b, a]), "a.localhost 127.66.0.1:8069;\nb.localhost 127.66.0.2:8069;\n")
  assert.equal(hostsMap([a, b]), hostsMap([b, a]))
})

test("the map takes nothing that nginx would read as its own", () => {
  for (const host of ["", "*.localhost", "~.*", "a b", "a;b", "a{", "A.localhost", ".localhost", "\\default"]) {
    assert.throws(() => hostsMap([{ host, upstream }]), /is not the name of a host/, JSON.stringify(host))
  }
})

test("hosts that are called like words of nginx are hosts", () => {
  assert.equal(hostsMap([{ host: "default", upstream }]), `\\default ${upstream};\n`)
  assert.equal(hostsMap([{ host: "include", upstream }]), `\\include ${upstream};\n`)
})

test("a tenant that people reach has no page", () => {
  for (const kind of ["none", "up", "asleep"] as const) assert.equal(pageOf({ kind }), null)
})

test("a page tells the state that it was made of", () => {
  for (const reason of [
    "Unpaid",
    "",
    "--> <script>alert(1)</script>",
    "two\nlines -->",
    "“ä” \u2028 \\u003e",
    "<!--",
  ]) {
    assert.deepEqual(stateOf(suspended(reason)), { kind: "suspended", reason })
  }
  assert.deepEqual(stateOf(pageOf({ kind: "maintenance" }) ?? ""), { kind: "maintenance" })
})

test("no reason ends the comment or becomes part of the page's markup", () => {
  const text = suspended(`--> <script>alert("1")</script> & 'so' <!-- --!>`)
  assert.equal(text.split("-->").length, 2)
  assert.equal(text.indexOf("-->"), text.indexOf("\n") - "-->".length)
  assert.doesNotMatch(text, /<script/)
  assert.match(text, /--&gt; &lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt; &amp; &#39;so&#39;/)
})

test("a page of somebody else's tells nothing", () => {
  for (const text of [startingPage, "", "<!-- {} -->\n", '<!-- {"kind":"up"} -->\n', "<!-- {broken} -->\n"]) {
    assert.equal(stateOf(text), null, text.slice(0, 40))
  }
})

test.run()
