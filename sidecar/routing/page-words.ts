/** The words of the pages that visitors see in place of a tenant, in each language that they speak. */

export const languages = ["en", "de", "fr", "es"] as const
export type Language = (typeof languages)[number]

/** `away` is the master's, all others are a tenant's. */
export type PageName =
  | "suspended"
  | "maintenance"
  | "unknown"
  | "starting"
  | "away"
  | "interrupted"
  | "too-many"
  | "too-large"

export interface PageWords {
  readonly title: string
  readonly paragraphs: readonly string[]
}

/** What is sent to a tenant at once; Odoo itself takes files of up to 128 MB unless it is told otherwise. */
export const largestBodyMb = 512

/** The first of a browser's languages that the pages speak; browsers name the one that is liked best first. */
export function languageOf(accepted: string): Language {
  const asked = accepted.split(",").map((one) => one.trim().split(/[-;]/)[0])
  return asked.find(isSpoken) ?? "en"
}

function isSpoken(language: string | undefined): language is Language {
  return languages.some((one) => one === language)
}

/** Why a tenant is suspended is told to its customer in the portal: visitors are anybody. */
export const pageWords: Record<PageName, Record<Language, PageWords>> = {
  suspended: {
    en: {
      title: "This Odoo is paused",
      paragraphs: ["It cannot be used at the moment.", "If it is yours, log in to your customer portal to see more."],
    },
    de: {
      title: "Dieses Odoo pausiert",
      paragraphs: [
        "Es kann im Moment nicht benutzt werden.",
        "Wenn es Ihres ist, melden Sie sich in Ihrem Kundenportal an, um mehr zu erfahren.",
      ],
    },
    fr: {
      title: "Cet Odoo est en pause",
      paragraphs: [
        "Il ne peut pas être utilisé pour le moment.",
        "S'il est à vous, connectez-vous à votre portail client pour en savoir plus.",
      ],
    },
    es: {
      title: "Este Odoo está en pausa",
      paragraphs: [
        "No se puede usar en este momento.",
        "Si es suyo, inicie sesión en su portal de cliente para saber más.",
      ],
    },
  },
  maintenance: {
    en: { title: "This Odoo is being worked on", paragraphs: ["Please come back in a few minutes."] },
    de: { title: "An diesem Odoo wird gearbeitet", paragraphs: ["Bitte kommen Sie in einigen Minuten wieder."] },
    fr: { title: "Cet Odoo est en maintenance", paragraphs: ["Veuillez revenir dans quelques minutes."] },
    es: { title: "Este Odoo está en mantenimiento", paragraphs: ["Vuelva dentro de unos minutos."] },
  },
  unknown: {
    en: {
      title: "There is no Odoo here",
      paragraphs: ["Check the address: it changes when an Odoo is renamed."],
    },
    de: {
      title: "Hier gibt es kein Odoo",
      paragraphs: ["Prüfen Sie die Adresse: Sie ändert sich, wenn ein Odoo umbenannt wird."],
    },
    fr: {
      title: "Il n'y a pas d'Odoo ici",
      paragraphs: ["Vérifiez l'adresse : elle change quand un Odoo est renommé."],
    },
    es: {
      title: "Aquí no hay ningún Odoo",
      paragraphs: ["Compruebe la dirección: cambia cuando se renombra un Odoo."],
    },
  },
  starting: {
    en: {
      title: "This Odoo is starting",
      paragraphs: ["It answers in a few seconds. This page tries again automatically."],
    },
    de: {
      title: "Dieses Odoo startet",
      paragraphs: ["Es antwortet in einigen Sekunden. Diese Seite versucht es automatisch erneut."],
    },
    fr: {
      title: "Cet Odoo démarre",
      paragraphs: ["Il répond dans quelques secondes. Cette page réessaie automatiquement."],
    },
    es: {
      title: "Este Odoo se está iniciando",
      paragraphs: ["Responderá en unos segundos. Esta página lo intenta de nuevo automáticamente."],
    },
  },
  away: {
    en: {
      title: "This site is away for a moment",
      paragraphs: [
        "It is being restarted and comes back by itself. This page tries again automatically.",
        "Customers' Odoos go on meanwhile.",
      ],
    },
    de: {
      title: "Diese Website ist kurz nicht erreichbar",
      paragraphs: [
        "Sie wird neu gestartet und kommt von selbst wieder. Diese Seite versucht es automatisch erneut.",
        "Die Odoos der Kunden laufen unterdessen weiter.",
      ],
    },
    fr: {
      title: "Ce site est momentanément indisponible",
      paragraphs: [
        "Il redémarre et revient de lui-même. Cette page réessaie automatiquement.",
        "Les Odoo des clients continuent de fonctionner.",
      ],
    },
    es: {
      title: "Este sitio no está disponible por un momento",
      paragraphs: [
        "Se está reiniciando y volverá por sí solo. Esta página lo intenta de nuevo automáticamente.",
        "Los Odoo de los clientes siguen funcionando.",
      ],
    },
  },
  interrupted: {
    en: {
      title: "This Odoo was interrupted",
      paragraphs: [
        "It could not answer what you have just sent. It is back in a few seconds.",
        "Then go back and check whether it has arrived before you send it again.",
      ],
    },
    de: {
      title: "Dieses Odoo wurde unterbrochen",
      paragraphs: [
        "Es konnte nicht beantworten, was Sie gerade gesendet haben. Es ist in einigen Sekunden zurück.",
        "Gehen Sie dann zurück und prüfen Sie, ob es angekommen ist, bevor Sie es erneut senden.",
      ],
    },
    fr: {
      title: "Cet Odoo a été interrompu",
      paragraphs: [
        "Il n'a pas pu répondre à votre dernier envoi. Il est de retour dans quelques secondes.",
        "Revenez alors en arrière et vérifiez s'il est arrivé avant de l'envoyer à nouveau.",
      ],
    },
    es: {
      title: "Este Odoo se ha interrumpido",
      paragraphs: [
        "No ha podido responder a su último envío. Volverá en unos segundos.",
        "Vuelva entonces atrás y compruebe si ha llegado antes de enviarlo otra vez.",
      ],
    },
  },
  "too-many": {
    en: {
      title: "Too many attempts to log in",
      paragraphs: ["There were many attempts from your network in a short time. Please wait a minute and try again."],
    },
    de: {
      title: "Zu viele Anmeldeversuche",
      paragraphs: [
        "Aus Ihrem Netz gab es in kurzer Zeit viele Versuche. Bitte warten Sie eine Minute und versuchen Sie es erneut.",
      ],
    },
    fr: {
      title: "Trop de tentatives de connexion",
      paragraphs: [
        "Il y a eu de nombreuses tentatives depuis votre réseau en peu de temps. Veuillez patienter une minute et réessayer.",
      ],
    },
    es: {
      title: "Demasiados intentos de inicio de sesión",
      paragraphs: ["Ha habido muchos intentos desde su red en poco tiempo. Espere un minuto e inténtelo de nuevo."],
    },
  },
  "too-large": {
    en: {
      title: "That is too large",
      paragraphs: [
        `This Odoo takes at most ${largestBodyMb} MB at once. Send it in smaller parts, or leave out large files.`,
      ],
    },
    de: {
      title: "Das ist zu groß",
      paragraphs: [
        `Dieses Odoo nimmt höchstens ${largestBodyMb} MB auf einmal an. Senden Sie es in kleineren Teilen oder lassen Sie große Dateien weg.`,
      ],
    },
    fr: {
      title: "C'est trop volumineux",
      paragraphs: [
        `Cet Odoo accepte au plus ${largestBodyMb} Mo à la fois. Envoyez-le en plusieurs parties ou retirez les gros fichiers.`,
      ],
    },
    es: {
      title: "Es demasiado grande",
      paragraphs: [
        `Este Odoo acepta como máximo ${largestBodyMb} MB a la vez. Envíelo en partes más pequeñas o quite los archivos grandes.`,
      ],
    },
  },
}
