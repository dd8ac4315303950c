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
  /** The close code; 0 when there was none. */
  readonly code: number
  /** What was said, or what happened. */
  readonly reason: string
  /** Who ended it: this side, the peer, or neither. */
  readonly by: 'local' | 'peer' | 'network'
}
