/**
 * What a program is answered in place of an Odoo that is away, in the form that it asked in: people get a page instead
 * (pages.ts), which a program would take for an answer or not understand at all.
 */

const sent = "What was sent may have arrived or not: look before you send it again."

/** `away` is the master's, all others are a tenant's. */
const words = {
  starting: "This Odoo is starting. Try again in a few seconds.",
  away: "This Odoo is being restarted. Try again in a minute.",
  interrupted: `This Odoo was interrupted. ${sent}`,
  closed: "This Odoo is not available: its address, opened in a browser, says more.",
} as const

/** Each by the name of its file, which nginx puts together (nginx-config.ts). */
export function programFiles(): Record<string, string> {
  const files = Object.entries(words).flatMap(([name, text]) => [
    [`${name}.txt`, `${text}\n`],
    [`${name}.json`, `${JSON.stringify(jsonFault(text))}\n`],
    [`${name}.xml`, xmlFault(text)],
  ])
  return Object.fromEntries(files)
}

/** Both of Odoo's ways by JSON find what they look for: an `error` (JSON-RPC), a `name` and a `message` (/json/2). */
function jsonFault(message: string) {
  const data = { name: "ServiceUnavailable", message, arguments: [message], context: {}, debug: "" }
  return { jsonrpc: "2.0", id: null, error: { code: 503, message, data }, ...data }
}

function xmlFault(text: string): string {
  const member = (name: string, value: string) => `<member><name>${name}</name><value>${value}</value></member>`
  const fault = member("faultCode", "<int>503</int>") + member("faultString", `<string>${text}</string>`)
  return `<?xml version="1.0"?>\n<methodResponse><fault><value><struct>${fault}</struct></value></fault></methodResponse>\n`
}
