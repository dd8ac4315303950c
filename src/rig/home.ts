import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Files and folders of a home: docs/guide/rig.md. */
export interface HomePaths {
  readonly home: string
  /** Exists in an initialized home, and is locked while its rig runs. */
  readonly lock: string
  /** Names the process that holds the lock. */
  readonly running: string
  /** The configuration. */
  readonly config: string
  /** Folder with the rig's key and the state that commands change. */
  readonly rig: string
  readonly state: string
  /** UDP ports of identities on loopback. */
  readonly ports: string
  /** A folder for each account, named by its ID52. */
  readonly accounts: string
  /** Folder of the certificate for localhost. */
  readonly tls: string
}

/**
 * The folder of a rig: the given one, else the environment variable `FASTN_HOME`, else the platform's data folder, as in the original:
 * `~/.local/share/fastn` on Linux, or below `XDG_DATA_HOME`; `~/Library/Application
 * Support/com.fastn.fastn` on macOS; `%APPDATA%\fastn\fastn\data` on Windows.
 */
export function rigHome(home?: string): string {
  const { FASTN_HOME, XDG_DATA_HOME, APPDATA } = process.env
  const given = home ?? FASTN_HOME
  if (given !== undefined && given !== '') return resolve(given)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'com.fastn.fastn')
  if (process.platform === 'win32')
    return join(APPDATA || join(homedir(), 'AppData', 'Roaming'), 'fastn', 'fastn', 'data')
  return join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'fastn')
}

/** Paths in a home. */
export function pathsOf(given?: string): HomePaths {
  const home = rigHome(given)
  const rig = join(home, 'rig')
  return {
    home,
    lock: join(home, '.fastn.lock'),
    running: join(rig, 'running.json'),
    config: join(home, 'rig.toml'),
    rig,
    state: join(rig, 'state.json'),
    ports: join(rig, 'ports.json'),
    accounts: join(home, 'accounts'),
    tls: join(rig, 'tls')
  }
}

/** Folder with the keys of an account. */
export function aliasesOf({ accounts }: HomePaths, account: string): string {
  return join(accounts, account, 'aliases')
}

/** File with the account data of an identity. The first alias of an account has the name of the account. */
export function accountFile(paths: HomePaths, account: string, id52: string): string {
  const name = id52 === account ? 'account.json' : `account-${id52}.json`
  return join(paths.accounts, account, name)
}
