/** Where requests for a host go: see `fastn-net/router`. One of `folder`, `backend` and `peer` says what it is. */
export interface RouterTargetConfig {
  /** Path of a folder. Further keys: `listing`, `hidden`. */
  folder?: string | undefined
  /** An HTTP server: a port of 127.0.0.1, `'host:port'`, `'unix:'` and a path, or a URL. Further key: `'host-header'`. */
  backend?: string | number | undefined
  /** A peer: an ID52 or an alias. Further key: `service`. */
  peer?: string | undefined
  /** Peers that may use it: ID52s, aliases and groups. Default: none; it is for this machine. */
  allow?: readonly string[] | undefined
  /** Let every peer use it. Default: false. */
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
  /** Peers that are reached as `http://<id52>.localhost`. Default: `'all'`. */
  peers?: 'all' | 'known' | 'none' | undefined
  /** Target of the identity's own name. Default: none. */
  home?: RouterTargetConfig | undefined
  /** Targets by name. */
  hosts?: Readonly<Record<string, RouterTargetConfig>> | undefined
}

/** A person with mail: see `fastn-mail`. */
export interface MailUserConfig {
  /** Hash of the password, from `hashPassword` of `fastn-mail`. Default: none; the user cannot log in. */
  password?: string | undefined
  /** Local parts of addresses besides the name; `'*'` is every other. Default: `['*']` for the only user. */
  aliases?: readonly string[] | undefined
  /** Limit of the user's mail, in bytes. Default: 5 GiB. */
  quota?: number | undefined
}

/** Mail of an account, by the package `fastn-mail`, which must be installed. */
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
  /** Peers whose mail is taken: ID52s, aliases and groups. This or `public` is needed. */
  allow?: readonly string[] | undefined
  /** Take the mail of every peer. Default: false. */
  public?: boolean | undefined
  /** Mail of peers of the original, which do not say who they are. Default: `'refuse'`. */
  legacy?: 'refuse' | 'junk' | 'accept' | undefined
  /** Users by name. At least one. */
  users: Readonly<Record<string, MailUserConfig>>
}
