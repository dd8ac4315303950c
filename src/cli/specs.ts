/** An option of a command. Its name is its key in {@link OptionSpecs}. */
export interface OptionSpec {
  /** One sentence for the help. */
  readonly help: string
  /** Placeholder of the value, such as `FILE`. Absent: the option takes no value. */
  readonly value?: string
  /** One letter. */
  readonly short?: string
  /** May be given several times. */
  readonly multiple?: boolean
  /** The only values. */
  readonly choices?: readonly string[]
}

/** A positional argument of a command. */
export interface ArgumentSpec {
  /** Placeholder, such as `PEER`. */
  readonly name: string
  /** One sentence for the help. */
  readonly help: string
  readonly optional?: boolean
  /** The only values. */
  readonly choices?: readonly string[]
}

/** Options by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** Options of every command. */
export const commonOptions: OptionSpecs = {
  json: { help: 'Print one JSON object per line, errors included.' },
  quiet: { help: 'Print no progress and no hints.', short: 'q' },
  log: { help: "Print log records to stderr, for example 'fastn_net=debug'.", value: 'FILTER' },
  help: { help: 'Print this help.', short: 'h' }
}

/** Options of every command that opens an endpoint. */
export const endpointOptions: OptionSpecs = {
  key: { help: 'File with the secret key (hex); - reads it from stdin.', value: 'FILE', short: 'k' },
  network: {
    help: 'Where to find peers. Default: internet, or FASTN_NET_NETWORK.',
    value: 'NETWORK',
    choices: ['internet', 'lan', 'loopback']
  },
  relay: {
    help: 'Use this relay instead of the public ones. Peers are then found by ticket.',
    value: 'URL',
    multiple: true
  },
  timeout: { help: 'How long to wait for the peer: 500ms, 10s, 2m. Default: 30s.', value: 'TIME' },
  malai: { help: "Also speak malai's protocol, and use malai's key if there is no other." }
}

/** Options of every command that admits peers: one of the two is required. */
export const exposeOptions: OptionSpecs = {
  allow: { help: 'Admit this peer.', value: 'PEER', multiple: true, short: 'a' },
  public: { help: 'Admit every peer.' }
}
