import type { Keyring } from './keyring.js'
import type { PublicKey } from './public-key.js'
import type { SecretKey } from './secret-key.js'

/** Where a key is stored. */
export interface KeyStoreOptions {
  /** Folder of the key files. Default: the current folder. */
  folder?: string | undefined
  /**
   * Name of the key. Its files are `{name}.private-key` and `{name}.id52`.
   * The name is a plain file name: not empty, `.` or `..`, without `/`, `\`, `:` or control characters, and without white space
   * around it.
   * Default: none. A program's only key is in `.fastn.secret-key` or `.fastn.id52`.
   */
  name?: string | undefined
  /**
   * Keyring to use. `true` selects the system keyring, which needs the package `@napi-rs/keyring`; `false` uses none.
   * Default: false.
   */
  keyring?: boolean | Keyring | undefined
  /** Environment variables to read. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Cancels waiting for a keyring, which may prompt the user. The call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of {@link loadSecretKey}. */
export interface LoadSecretKeyOptions extends KeyStoreOptions {
  /**
   * Public key whose secret to load. Searches the environment and the keyring, not files. Cannot be combined with `name`.
   * Default: none.
   */
  id52?: string | PublicKey | undefined
}

/** A stored secret key. */
export interface StoredSecretKey {
  /** The key. */
  readonly secretKey: SecretKey
  /** Where the key is stored, for display: a path, the name of an environment variable, or the keyring. */
  readonly place: string
  /** Whether this call created the key. */
  readonly created: boolean
}
