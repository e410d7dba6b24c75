// German. Fetched when an element stands in `lang="de"` (texts.ts).

import { aboutTime, formatBytes, formatNumber, plural } from '../format.js';
import type { SomeWords } from './catalogue.js';

export const catalogue: SomeWords = {
  units: {
    rate: (number) => `${number} Token/s`,
  },
  chat: {
    conversation: 'Gespräch',
    welcome: 'Fragen Sie mich, was Sie möchten.',
    welcomeDetail: 'Ich laufe auf Ihrem Gerät. Was Sie schreiben, bleibt hier.',
    suggestions: 'Vorschläge',
    message: 'Nachricht',
    placeholder: 'Nachricht schreiben',
    send: 'Senden',
    stop: 'Antwort anhalten',
    newChat: 'Neues Gespräch',
    retry: 'Noch einmal versuchen',
    jumpToLatest: 'Zur neuesten Nachricht',
    you: 'Sie',
    assistant: 'Assistent',
    onDevice: 'Auf diesem Gerät',
    cloud: 'Cloud',
    cloudFrom: (host) => `Ab hier in der Cloud geschrieben, von ${host}`,
    sentToCloud: (host) => `Dieses Gespräch wurde an ${host} gesendet.`,
    stopped: 'Angehalten',
    cutOff: 'Die Antwort endet hier, weil ihre Länge ausgeschöpft ist.',
    thinking: 'Denkt nach',
    answering: 'Der Assistent antwortet.',
    answered: 'Die Antwort ist vollständig.',
    answerStopped: 'Die Antwort wurde angehalten.',
    started: 'Neues Gespräch begonnen.',
    tokens: (count) => `${formatNumber(count)} Token`,
    toolCalled: (name) => `Die Seite nach ${name} gefragt`,
    toolCalling: (name) => `Fragt die Seite nach ${name}`,
    toolArguments: 'Argumente',
    toolResult: 'Ergebnis',
    emptyAnswer: 'Das Modell hat nichts geantwortet.',
    copyAnswer: 'Diese Antwort kopieren',
    answerCopied: 'Kopiert.',
    toolFailed: 'Das Werkzeug ist gescheitert.',
    cloudSwitch: (host) => `Cloud erlauben (${host})`,
    cloudSwitchDetail: 'Gespräche verlassen dann dieses Gerät.',
    cloudNote: 'Antworten aus der Cloud sind gekennzeichnet.',
  },
  status: {
    connecting: 'Das Modell wird gestartet',
    downloading: (name, loaded, total) =>
      total > 0
        ? `${name} wird geladen: ${formatBytes(loaded)} von ${formatBytes(total)}`
        : `${name} wird geladen: ${formatBytes(loaded)}`,
    paused: (name, loaded, total) => `${name} wartet: ${formatBytes(loaded)} von ${formatBytes(total)}`,
    downloadingAloud: (name) => `${name} wird geladen`,
    preparing: (name) => `${name} wird vorbereitet`,
    idle: 'Das Modell wird mit Ihrer ersten Nachricht geladen.',
    loading: 'Lädt',
    waiting: 'Wartet',
    place: (place) =>
      place <= 1
        ? 'Ein anderer Tab erhält gerade eine Antwort. Dieser ist als nächster dran.'
        : `Andere Tabs erhalten gerade Antworten. Dieser ist an Stelle ${formatNumber(place)}.`,
    otherTab: 'In einem anderen Tab beschäftigt',
    ready: (name) => `${name} ist bereit.`,
    cancelled: 'Das Laden wurde abgebrochen.',
  },
  code: {
    block: 'Code',
    named: (language) => `Code, ${language}`,
    copy: 'Kopieren',
    copied: 'Kopiert',
    copyFailed: 'Dieser Browser hat das Kopieren nicht erlaubt.',
  },
  markdown: {
    done: 'Erledigt',
    open: 'Offen',
    table: 'Tabelle',
    image: 'Bild nicht geladen',
    formula: 'Formel',
  },
  picker: {
    label: 'Modelle',
    found: (count) => plural(count, { one: '1 Modell', other: `${formatNumber(count)} Modelle` }),
    timeLeft: (seconds) => (seconds < 5 ? 'noch wenige Sekunden' : `noch etwa ${aboutTime(seconds)}`),
  },
};
