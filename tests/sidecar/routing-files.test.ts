/** What the router writes for nginx, and what a page tells it later. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { hostsMap } from "../../sidecar/routing/hosts-map.ts"
import { languageOf, languages, type PageName, pageWords } from "../../sidecar/routing/page-words.ts"
import { inEachLanguage, pageFile, pageOf, stateOf } from "../../sidecar/routing/pages.ts"

const test = suite("files of the router")

const upstream = "127.66.0.1:8069"

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
  for (const kind of ["suspended", "maintenance"] as const) {
    assert.equal(pageOf({ kind }), kind)
    assert.deepEqual(stateOf(pageFile(kind)), { kind })
  }
})

test("a page that tells visitors why, as older versions made it, is made anew", () => {
  const old = `<!-- {"kind":"suspended","reason":"Unpaid"} -->\n${inEachLanguage("suspended")}`
  assert.equal(stateOf(old), null)
})

test("every page has words in every language", () => {
  for (const name of Object.keys(pageWords) as PageName[]) {
    const words = languages.map((language) => pageWords[name][language])
    assert.equal(new Set(words.map(({ title }) => title)).size, languages.length, name)
    for (const { paragraphs } of words) assert.equal(paragraphs.length, words[0]?.paragraphs.length, name)
  }
})

test("a visitor reads the first language of theirs that the pages speak", () => {
  for (const [accepted, language] of [
    ["", "en"],
    ["de-DE,de;q=0.9,en;q=0.8", "de"],
    ["pl, de-AT;q=0.7, en;q=0.3", "de"],
    ["es", "es"],
    ["en-GB,fr;q=0.5", "en"],
    ["den, nl;q=0.3", "en"],
    ["*", "en"],
  ] as const) {
    assert.equal(languageOf(accepted), language, accepted)
  }
})

test("a page of somebody else's tells nothing", () => {
  for (const text of [
    inEachLanguage("starting"),
    "",
    "<!-- {} -->\n",
    '<!-- {"kind":"up"} -->\n',
    "<!-- {broken} -->\n",
  ]) {
    assert.equal(stateOf(text), null, text.slice(0, 40))
  }
})

test.run()
