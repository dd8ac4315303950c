/** Target of a host: see `fastn-net/router`. It has one of `folder`, `backend` and `peer`. */
export interface RouterTargetConfig {
  /** Path of a folder. Further keys: `listing`, `hidden`. */
  folder?: string | undefined
  /** An HTTP server: a port of 127.0.0.1, `'host:port'`, `'unix:'` and a path, or a URL. Further key: `'host-header'`. */
  backend?: string | number | undefined
  /** A peer: an ID52 or an alias. Further key: `service`. */
  peer?: string | undefined
  /** Peers that may use it: ID52s, aliases and groups. Default: none; only local programs may use it. */
  allow?: readonly string[] | undefined
  /** Admit every peer. Default: false. */
  public?: boolean | undefined
  /** Further keys. */
  [key: string]: unknown
}

/** The router of an identity: one local port for many hosts. See `fastn-net/router`. */
export interface RouterConfig {
  /** The identity. Default: the current one. */
  identity?: string | undefined
  /** Local port. The environment variable `FASTN_HTTP_PORT` has precedence. Default: a free one. */
  port?: number | undefined
  /** Local address. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Peers reachable as `http://<id52>.localhost`. Default: `'all'`. */
  peers?: 'all' | 'known' | 'none' | undefined
  /** Target of the identity's own name. Default: none. */
  home?: RouterTargetConfig | undefined
  /** Targets by name. */
  hosts?: Readonly<Record<string, RouterTargetConfig>> | undefined
}

/** A mail user: see `fastn-mail`. */
export interface MailUserConfig {
  /** Hash of the password, from `hashPassword` of `fastn-mail`. Default: none; the user cannot log in. */
  password?: string | undefined
  /** Further local parts of addresses; `'*'` matches all others. Default: `['*']` for a single user. */
  aliases?: readonly string[] | undefined
  /** Mailbox quota in bytes. Default: 5 GiB. */
  quota?: number | undefined
}

/** Mail of an account. Requires the package `fastn-mail`. */
export interface MailConfig {
  /** The account. Default: the current identity. */
  identity?: string | undefined
  /** Local address of SMTP and IMAP. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Port of SMTP. The environment variable `FASTN_SMTP_PORT` has precedence. Default: 2525. */
  'smtp-port'?: number | undefined
  /** Port of IMAP. The environment variable `FASTN_IMAP_PORT` has precedence. Default: 1143. */
  'imap-port'?: number | undefined
  /** Whether to serve IMAP. Default: true. */
  imap?: boolean | undefined
  /** Peers whose mail is accepted: ID52s, aliases and groups. This or `public` is required. */
  allow?: readonly string[] | undefined
  /** Accept mail of every peer. Default: false. */
  public?: boolean | undefined
  /** Mail of peers of the original, whose senders are anonymous. Default: `'refuse'`. */
  legacy?: 'refuse' | 'junk' | 'accept' | undefined
  /** Users by name. At least one. */
  users: Readonly<Record<string, MailUserConfig>>
}
