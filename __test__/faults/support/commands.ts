import type { EndpointOptions, PeerAddress } from 'fastn-net'

/** How `programs/peer` is started. */
export interface PeerOptions {
  /** Part of the numbers of its requests: no other process has it. */
  name: string
  secretKey: string
  bind: string
  /** The file that it notes in what was delivered. */
  ledger: string
  endpoint: EndpointOptions
}

/** Requests to one peer, again and again. */
export interface Load {
  name: string
  peer: PeerAddress
  /** Requests at the same time. Default: 3. */
  workers?: number
  /** Streams that stay open, a line each 100 ms. Default: 1. */
  chats?: number
  /** Milliseconds between a worker's requests. Default: 50. */
  pause?: number
  /** Of opening each stream. Default: the library's. */
  timeout?: number
}

/** A request of much, to or from a side that does not read for a while. */
export interface Once {
  name: string
  peer: PeerAddress
  bytes: number
  /** Milliseconds until what was sent is read. */
  wait: number
  /** Who does not read. */
  who: 'server' | 'client'
}

/** One request of the client's ledger: its number, how it ended, when it began and how long it took. */
export type Asked = readonly [number: string, outcome: string, began: number, took: number]

/** How a request ended that got its whole answer. Any other outcome is a code, or a failure of the library in words. */
export const whole = 'whole'

export interface Usage {
  /** Bytes, after a collection. */
  readonly rss: number
  /** What kinds of file descriptors are open, and how many of each. */
  readonly fds: Readonly<Record<string, number>>
  /** What keeps the event loop, by kind. */
  readonly resources: Readonly<Record<string, number>>
  /** Streams that the endpoint holds with the peers that were named. */
  readonly streams: number
}

export interface PeerCommands {
  load: { given: Load; answer: null }
  /** Resolves when a request of that load, begun after this, got its whole answer: the milliseconds that took. */
  progress: { given: { name: string }; answer: number }
  /** No further requests; resolves when all have ended. */
  collect: { given: { name: string }; answer: Asked[] }
  once: { given: Once; answer: Asked }
  usage: { given: { peers: readonly PeerAddress[] }; answer: Usage }
  ping: { given: { peer: PeerAddress }; answer: number }
  shutdown: { given: { timeout: number }; answer: { took: number; unfinished: number } }
}

/** How `programs/raw` is started. */
export interface RawOptions {
  bind: string
}

export interface RawCommands {
  /** Takes every connection and every stream from now on, and reads nothing. */
  accept: { given: { acks: boolean }; answer: null }
  /** Opens so many streams, and says nothing. Resolves when all are open. */
  flood: { given: { to: PeerAddress; streams: number }; answer: number }
  /** How many it has opened by now. */
  opened: { given: null; answer: number }
}

/** How `programs/dialling` is told to begin a round. */
export interface Round {
  secretKey: string
  bind: string
  ledger: string
}

export interface DiallingCommands {
  /** A new endpoint. */
  open: { given: Round; answer: null }
  /** At that time, asks the peer: how it ended. */
  dial: { given: { peer: PeerAddress; at: number; number: string }; answer: Asked }
  /** Which side dialled the connection that new streams go over. */
  dialled: { given: { peer: PeerAddress }; answer: boolean }
  close: { given: null; answer: null }
}
