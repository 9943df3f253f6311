/**
 * The portal page of a customer's own Odoo, kept up to date over the bus while somebody looks at it. The server
 * renders every word: steps arrive in the message, and a new phase fetches the rendered page part anew.
 */
import { registry } from "@web/core/registry"
import { Interaction } from "@web/public/interaction"
import type { PortalProgress, PortalStep } from "./messages.ts"

const message = "saas.tenant/progress"
/** Messages of one moment (a phase and its steps) lead to one fetch. */
const refreshDelayMs = 150
/** Whoever presses once more while a new tab opens wants the same one. */
const openingMs = 3000

export class TenantProgress extends Interaction {
  static override selector = ".o_saas_portal_live"

  private readonly bus = this.services.bus_service
  private openedAt = Number.NEGATIVE_INFINITY
  private readonly refreshSoon = this.debounced(() => this.refresh(), refreshDelayMs)

  override start(): void {
    const onProgress = (payload: PortalProgress) => this.onProgress(payload)
    // What was said before the socket stood is not heard: look once whenever it (again) does.
    const onConnected = () => this.refreshSoon()
    this.bus.subscribe(message, onProgress)
    this.bus.addEventListener("BUS:CONNECT", onConnected)
    this.bus.addEventListener("BUS:RECONNECT", onConnected)
    this.registerCleanup(() => {
      this.bus.unsubscribe(message, onProgress)
      this.bus.removeEventListener("BUS:CONNECT", onConnected)
      this.bus.removeEventListener("BUS:RECONNECT", onConnected)
    })
    this.addListener(this.el, "submit", (event) => this.onOpening(event))
    // Another tab may hold the socket already, and then nothing tells that it stands.
    void this.bus.start().then(onConnected)
  }

  private onOpening(event: Event): void {
    if ((event.target as HTMLFormElement).target !== "_blank") return
    if (event.timeStamp - this.openedAt < openingMs) event.preventDefault()
    else this.openedAt = event.timeStamp
  }

  private onProgress(progress: PortalProgress): void {
    if (String(progress.id) !== this.el.dataset.tenantId) return
    const list = this.el.querySelector<HTMLElement>(".o_saas_portal_steps")
    if (!list || progress.phase !== this.el.dataset.phase) {
      this.refreshSoon()
      return
    }
    const labels = JSON.parse(list.dataset.labels ?? "{}") as Record<string, string>
    for (const step of progress.steps) showStep(list, step, labels[step.name] ?? step.label)
  }

  private async refresh(): Promise<void> {
    const url = this.el.dataset.refreshUrl
    if (!url) return
    const html = await this.waitFor(readPage(url))
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector<HTMLElement>(TenantProgress.selector)
    if (!fresh) return
    this.el.dataset.phase = fresh.dataset.phase ?? ""
    this.el.replaceChildren(...fresh.childNodes)
  }
}

/** The page, or "" while it cannot be had: signed out meanwhile, or the server is away and the bus will say when it is back. */
async function readPage(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, redirect: "manual" })
    return answer.ok ? await answer.text() : ""
  } catch (error) {
    if (error instanceof TypeError) return ""
    throw error
  }
}

/** Fills the step's line, or adds one made of the page's own `<template>`. */
function showStep(list: HTMLElement, step: PortalStep, label: string): void {
  const line = list.querySelector<HTMLElement>(`[data-number="${step.number}"]`) ?? addLine(list, step.number)
  if (!line) return
  line.dataset.state = step.state
  const place = line.querySelector(".o_saas_portal_step_label")
  if (place) place.textContent = label
}

function addLine(list: HTMLElement, number: number): HTMLElement | null {
  const template = list.parentElement?.querySelector<HTMLTemplateElement>("template")
  const line = template?.content.firstElementChild?.cloneNode(true)
  if (!(line instanceof HTMLElement)) return null
  line.dataset.number = String(number)
  list.append(line)
  return line
}

registry.category("public.interactions").add("saas_master.tenant_progress", TenantProgress)
