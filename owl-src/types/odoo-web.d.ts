/**
 * The small surface of Odoo 19's web client that is used here, written by hand: only what is listed exists for the
 * compiler. Source of every signature: the module of the same name under `web/static/src` (or `bus`, `mail`).
 */

declare module "@web/core/l10n/translation" {
  /** Looks the text up once translations are loaded; `%s` and `%(name)s` take the values. */
  export function _t(
    text: string,
    ...values: readonly (string | number | Readonly<Record<string, string | number>>)[]
  ): string
}

declare module "@web/core/registry" {
  interface Registry {
    category(name: string): Registry
    add(name: string, value: unknown, options?: { sequence?: number; force?: boolean }): Registry
    get(name: string): unknown
  }
  export const registry: Registry
}

declare module "@web/core/browser/browser" {
  export const browser: {
    setTimeout(callback: () => void, ms: number): number
    clearTimeout(handle: number | undefined): void
    setInterval(callback: () => void, ms: number): number
    clearInterval(handle: number | undefined): void
  }
}

declare module "@web/core/user" {
  export const user: {
    /** BCP 47, such as `fr-BE`. */
    readonly lang: string
    readonly userId: number
  }
}

declare module "@web/core/l10n/dates" {
  export function formatDate(value: luxon.DateTime): string
  export function formatDateTime(value: luxon.DateTime): string
}

declare module "@web/core/utils/hooks" {
  export interface OrmService {
    call<T>(
      model: string,
      method: string,
      args?: readonly unknown[],
      kwargs?: Readonly<Record<string, unknown>>,
    ): Promise<T>
  }

  export type WindowAction = Readonly<{
    type: "ir.actions.act_window"
    name?: string
    res_model: string
    res_id?: number
    views: readonly (readonly [number | false, string])[]
    domain?: readonly unknown[]
    context?: Readonly<Record<string, unknown>>
    target?: "current" | "new"
  }>

  export interface ActionService {
    doAction(
      action: string | WindowAction | Readonly<Record<string, unknown>>,
      options?: {
        newWindow?: boolean
        onClose?: () => void
        additionalContext?: Readonly<Record<string, unknown>>
      },
    ): Promise<void>
  }

  export interface NotificationService {
    add(
      message: string,
      options?: { type?: "info" | "success" | "warning" | "danger"; sticky?: boolean; title?: string },
    ): () => void
  }

  export interface DialogService {
    add(component: unknown, props: Readonly<Record<string, unknown>>, options?: { onClose?: () => void }): () => void
  }

  export type BusEvent = "BUS:CONNECT" | "BUS:RECONNECT" | "BUS:DISCONNECT" | "BUS:RECONNECTING"

  export interface BusService {
    start(): Promise<void>
    /** A callback belongs to one type only: the service remembers it by the function itself. */
    subscribe<T>(type: string, callback: (payload: T) => void): void
    unsubscribe<T>(type: string, callback: (payload: T) => void): void
    addEventListener(event: BusEvent, callback: () => void): void
    removeEventListener(event: BusEvent, callback: () => void): void
    /** null until the worker says something of itself. */
    readonly workerState: "CONNECTED" | "DISCONNECTED" | "IDLE" | "CONNECTING" | null
  }

  export interface Services {
    orm: OrmService
    action: ActionService
    notification: NotificationService
    dialog: DialogService
    bus_service: BusService
  }

  export function useService<Name extends keyof Services>(name: Name): Services[Name]
}

declare module "@web/core/confirmation_dialog/confirmation_dialog" {
  import { Component } from "@odoo/owl"
  export class ConfirmationDialog extends Component {}
}

declare module "@web/search/layout" {
  import { Component } from "@odoo/owl"
  export class Layout extends Component {}
}

declare module "@web/search/action_hook" {
  /** Keeps the scroll position for the way back through the breadcrumbs. */
  export function useSetupAction(parameters?: { rootRef?: { readonly el: HTMLElement | null } }): void
}

declare module "@web/webclient/actions/action_service" {
  export const standardActionServiceProps: Record<string, true>
}

declare module "@web/views/fields/standard_field_props" {
  export const standardFieldProps: Record<string, true>
}

declare module "@web/views/widgets/standard_widget_props" {
  export const standardWidgetProps: Record<string, true>
}

declare module "@web/model/relational_model/record" {
  export interface FieldDescription {
    readonly string: string
    readonly type: string
    readonly selection?: readonly (readonly [string, string])[]
  }

  /** A record as the form, list and kanban views hold it. */
  export interface Record {
    readonly resModel: string
    /** false while it is new. */
    readonly resId: number | false
    readonly data: Readonly<{ [field: string]: unknown }>
    readonly fields: Readonly<{ [field: string]: FieldDescription }>
    isDirty(): Promise<boolean>
    load(): Promise<void>
  }
}

declare module "@web/public/interaction" {
  import type { BusService } from "@web/core/utils/hooks"

  export class Interaction {
    static selector: string
    readonly el: HTMLElement
    readonly services: { readonly bus_service: BusService }
    setup(): void
    start(): void
    destroy(): void
    /** Removed with the interaction. */
    addListener<E extends keyof HTMLElementEventMap>(
      target: HTMLElement,
      event: E,
      listen: (event: HTMLElementEventMap[E]) => void,
    ): void
    registerCleanup(callback: () => void): void
    /** Resolves only while the interaction is alive. */
    waitFor<T>(promise: Promise<T>): Promise<T>
    debounced(callback: () => void, delayMs: number): () => void
  }
}

declare namespace luxon {
  interface DateTime {
    readonly isValid: boolean
    toMillis(): number
    setLocale(locale: string): DateTime
    toRelative(options?: { base?: DateTime; style?: "long" | "short" | "narrow" }): string | null
  }
  const DateTime: {
    now(): DateTime
    fromMillis(ms: number): DateTime
    fromISO(text: string): DateTime
  }
}
