/** What the unit tests use of HOOT (Odoo's test runner in the browser) and of Odoo's own test helpers. */

declare module "@odoo/hoot" {
  interface Matchers {
    readonly not: Matchers
    toBe(expected: unknown): void
    toEqual(expected: unknown): void
    toHaveCount(count: number): void
    toHaveText(text: string | RegExp): void
    toHaveClass(name: string): void
    toHaveProperty(name: string, value: unknown): void
    toHaveAttribute(name: string, value?: string | RegExp): void
    toBeVisible(): void
    toBeEnabled(): void
    toBeFocused(): void
    toInclude(part: unknown): void
  }
  export function expect(actualOrSelector: unknown): Matchers
  export namespace expect {
    function step(name: string): void
    function verifySteps(names: readonly string[]): void
  }
  export function test(name: string, run: () => void | Promise<void>): void
  export const describe: { readonly current: { tags(...names: string[]): void } }
  export function beforeEach(callback: () => void | Promise<void>): void
  export function mockDate(date: string, zoneHours?: number): void
  export function advanceTime(ms: number): Promise<number>
  export function animationFrame(): Promise<void>
  export function runAllTimers(): Promise<number>
}

declare module "@odoo/hoot-dom" {
  export function queryAllTexts(selector: string): string[]
  export function queryAllAttributes(selector: string, name: string): (string | null)[]
  export function queryOne(selector: string): HTMLElement
  export function press(keys: string | readonly string[]): Promise<void>
  export function waitFor(selector: string): Promise<HTMLElement>
}

declare module "@web/../tests/web_test_helpers" {
  import type { Services } from "@web/core/utils/hooks"

  type FieldOptions = Readonly<Record<string, unknown>>

  export const fields: Readonly<
    Record<"Char" | "Float" | "Integer" | "Many2one" | "One2many" | "Selection", (options?: FieldOptions) => unknown>
  >
  export const models: { Model: new () => object }
  export function makeMockEnv(): Promise<unknown>
  export function defineModels(definitions: readonly unknown[]): void
  export function onRpc<A extends readonly unknown[]>(
    model: string,
    method: string,
    callback: (request: { args: A; kwargs: Readonly<Record<string, unknown>> }) => unknown,
  ): void
  export function mountView(view: {
    type: "form" | "list" | "kanban"
    resModel: string
    resId?: number
    arch: string
  }): Promise<unknown>
  export function mountWithCleanup(
    component: unknown,
    options?: { props?: Readonly<Record<string, unknown>> },
  ): Promise<unknown>
  export function mockService(name: string, service: Readonly<Record<string, unknown>>): void
  export function contains(selector: string): {
    click(): Promise<void>
    focus(): Promise<void>
    edit(text: string): Promise<void>
  }
  export function getService<Name extends keyof Services>(name: Name): Services[Name]
  export const MockServer: {
    readonly env: {
      "bus.bus": {
        _sendone(channel: string, type: string, payload: unknown): void
        _simulateDisconnection(closeCode: number): void
      }
    }
  }
}

declare module "@mail/../tests/mail_test_helpers" {
  export function defineMailModels(): void
}

declare module "@web/webclient/webclient" {
  import { Component } from "@odoo/owl"
  export class WebClient extends Component {}
}
