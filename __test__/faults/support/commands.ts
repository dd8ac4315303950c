import type { EndpointOptions, PeerAddress } from 'fastn-net'

/** Options of `programs/peer`. */
export interface PeerOptions {
  /** Unique part of its request numbers. */
  name: string
  secretKey: string
  bind: string
  /** File that records deliveries. */
  ledger: string
  endpoint: EndpointOptions
}

/** Repeated requests to one peer. */
export interface Load {
  name: string
  peer: PeerAddress
  /** Concurrent requests. Default: 3. */
  workers?: number
  /** Streams that stay open and send a line every 100 ms. Default: 1. */
  chats?: number
  /** Milliseconds between a worker's requests. Default: 50. */
  pause?: number
  /** Timeout of opening a stream. Default: the library's. */
  timeout?: number
}

/** A large request, to or from a side that pauses reading. */
export interface Once {
  name: string
  peer: PeerAddress
  bytes: number
  /** Milliseconds until the data is read. */
  wait: number
  /** Side that pauses reading. */
  who: 'server' | 'client'
}

/** A request in the client's ledger: number, outcome, start and duration. */
export type RecordedRequest = readonly [number: string, outcome: string, began: number, took: number]

/** Outcome of a request with a complete answer. Other outcomes are a code, or a description of a bug. */
export const whole = 'whole'

export interface Usage {
  /** Bytes after garbage collection. */
  readonly rss: number
  /** Open file descriptors, by kind. */
  readonly fds: Readonly<Record<string, number>>
  /** Resources that keep the event loop alive, by kind. */
  readonly resources: Readonly<Record<string, number>>
  /** Open streams with the given peers. */
  readonly streams: number
}

export interface PeerCommands {
  load: { given: Load; answer: null }
  /** Resolves once a later request of this load has its complete answer, with the milliseconds that it took. */
  progress: { given: { name: string }; answer: number }
  /** Stops the load. Resolves once all requests have ended. */
  collect: { given: { name: string }; answer: RecordedRequest[] }
  once: { given: Once; answer: RecordedRequest }
  usage: { given: { peers: readonly PeerAddress[] }; answer: Usage }
  ping: { given: { peer: PeerAddress }; answer: number }
  shutdown: { given: { timeout: number }; answer: { took: number; unfinished: number } }
}

/** Options of `programs/raw`. */
export interface RawOptions {
  bind: string
}

export interface RawCommands {
  /** Accepts every connection and stream from now on, and reads nothing. */
  accept: { given: { acks: boolean }; answer: null }
  /** Opens a number of silent streams. Resolves once all are open. */
  flood: { given: { to: PeerAddress; streams: number }; answer: number }
  /** Number of streams opened so far. */
  opened: { given: null; answer: number }
}

/** Options of a round of `programs/dialling`. */
export interface Round {
  secretKey: string
  bind: string
  ledger: string
}

export interface DiallingCommands {
  /** Creates a new endpoint. */
  open: { given: Round; answer: null }
  /** Sends a request to the peer at a given time. Returns its outcome. */
  dial: { given: { peer: PeerAddress; at: number; number: string }; answer: RecordedRequest }
  /** Side that dialled the preferred connection. */
  dialled: { given: { peer: PeerAddress }; answer: boolean }
  close: { given: null; answer: null }
}
