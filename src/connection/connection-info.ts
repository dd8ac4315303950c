/** One way that packets of a connection can take. */
export interface ConnectionPath {
  /** `address:port`, or the relay's URL. */
  readonly address: string
  /** Whether it goes through a relay. */
  readonly relay: boolean
  /** Whether it is the one in use. */
  readonly selected: boolean
  /** Round-trip time in milliseconds. */
  readonly rtt: number
}

/** Counters since a connection was made. */
export interface ConnectionStats {
  /** Bytes of UDP payload. */
  readonly bytesSent: number
  /** Bytes of UDP payload. */
  readonly bytesReceived: number
  /** UDP datagrams. */
  readonly datagramsSent: number
  /** UDP datagrams. */
  readonly datagramsReceived: number
  /** QUIC packets. */
  readonly lostPackets: number
  /** Streams and held views. */
  readonly streams: number
}

/** How a connection ended. */
export interface ConnectionClosed {
  /** The close code, a bigint where it is above 2^53 - 1; 0 when there was none. */
  readonly code: number | bigint
  /** What was said, or what happened. Control characters of the peer's text are escaped: `\n`, `\u{1b}`. */
  readonly reason: string
  /** Who ended it: this side, the peer, or neither. */
  readonly by: 'local' | 'peer' | 'network'
}
