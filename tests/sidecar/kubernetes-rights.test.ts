/** How the sidecar comes by its rights inside the namespaces that it has made, and in no others. */
import { strict as assert } from "node:assert"
import { suite } from "uvu"
import { Refusal } from "../../sidecar/drivers/kubernetes/problems.ts"
import { Rights } from "../../sidecar/drivers/kubernetes/rights.ts"

const test = suite("rights inside a namespace")

const ours = "c0ffee00-0000-4000-8000-000000000000"
const secretPath = "/api/v1/namespaces/saas-tacme/secrets/odoo-conf"
const denied = () => new Refusal(403, "Forbidden", 'secrets "odoo-conf" is forbidden: User "x" cannot get resource')

/** An API server that lets us in some questions after the binding was written. */
function apiServer({ installation = ours, deafFor = 2, exists = true } = {}) {
  const asked: string[] = []
  let isBound = false
  let deaf = deafFor
  const ask = async (method: string, path: string) => {
    asked.push(`${method} ${path}`)
    if (path.endsWith("/selfsubjectreviews")) return { status: { userInfo: { username: "sidecar" } } }
    if (path.includes("/rolebindings/")) {
      isBound = true
      return {}
    }
    if (!exists) throw new Refusal(404, "NotFound", "there is no such namespace")
    return { metadata: { name: "saas-tacme", labels: { "odoo-saas/installation": installation } } }
  }
  const work = async () => {
    if (!isBound || deaf-- > 0) throw denied()
    return "done"
  }
  return { asked, rights: new Rights({ ask, role: "odoo-saas-tenant", installation: () => ours }), work }
}

test("they are taken when they turn out to be missing, and waited for", async () => {
  const { rights, work, asked } = apiServer()
  assert.equal(await rights.within(secretPath, work), "done")
  assert.ok(asked.some((one) => one.startsWith("PATCH") && one.endsWith("/namespaces/saas-tacme/rolebindings/sidecar")))
})

test("many who miss them at once take them once", async () => {
  const { rights, work, asked } = apiServer()
  await Promise.all(Array.from({ length: 8 }, () => rights.within(secretPath, work)))
  assert.equal(asked.filter((one) => one.startsWith("PATCH")).length, 1)
})

test("a namespace of another installation is left alone", async () => {
  const { rights, work, asked } = apiServer({ installation: "another" })
  await assert.rejects(rights.within(secretPath, work), { code: 403 })
  assert.ok(!asked.some((one) => one.startsWith("PATCH")))
})

test("where there is no namespace, there is nothing in it", async () => {
  const { rights, work } = apiServer({ exists: false })
  await assert.rejects(rights.within(secretPath, work), { code: 404 })
})

test("what is refused for another reason stays refused", async () => {
  const { rights, asked } = apiServer()
  const quota = new Refusal(403, "Forbidden", 'pods "odoo" is forbidden: exceeded quota: plan')
  await assert.rejects(
    rights.within(secretPath, () => Promise.reject(quota)),
    quota,
  )
  await assert.rejects(
    rights.within("/api/v1/namespaces/kube-system", () => Promise.reject(denied())),
    { code: 403 },
  )
  assert.deepEqual(asked, [])
})

test.run()
