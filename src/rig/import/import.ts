import { constants } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkData } from '../../account/check.js'
import { type AccountDraft, emptyData } from '../../account/data.js'
import { fileStore } from '../../account/file-store.js'
import { freeName, isName } from '../../account/names.js'
import { FastnNetError } from '../../errors.js'
import { loadSecretKey, saveSecretKey } from '../../keys/key-store.js'
import { printable } from '../../util/display.js'
import { checkOptions, type OptionNames, optional } from '../../util/validate.js'
import { type HomeOptions, homePaths, initRig, isId52, setCurrent, setOnline } from '../entities.js'
import { accountFile, aliasesOf, type HomePaths } from '../home.js'
import { lockHome } from '../lock.js'
import { mailFolder } from '../mail.js'
import { readState } from '../state.js'
import { documentsOf, type Row, sqlite } from './documents.js'
import { type ImportedMail, importMails } from './mails.js'

/** Options of {@link importRig}. */
export interface ImportOptions extends HomeOptions {
  /** The user of `[mail.users]` that gets the mail. Default: `'me'`. */
  user?: string | undefined
}

/** An imported account. */
export interface ImportedAccount {
  /** ID52 of the account. */
  readonly account: string
  /** ID52s of its aliases. */
  readonly aliases: readonly string[]
  /** Number of new peers. */
  readonly peers: number
  /** Number of new mails. */
  readonly mails: number
  /** Number of mails that were imported before. */
  readonly duplicates: number
}

/** Result of {@link importRig}. */
export interface ImportedRig {
  /** The accounts. */
  readonly accounts: readonly ImportedAccount[]
  /** Skipped items, with reasons. */
  readonly problems: readonly string[]
}

const importNames: OptionNames<ImportOptions> = { home: true, user: true }

/**
 * Imports a folder of the original's rig: keys, peer names and mail permissions, mails with flags, and the online state. Does not change the
 * folder, and imports nothing twice. A new home gets the key of the original's rig. The rig of the home must not run.
 *
 * Mails need the package `fastn-mail`. Names, flags and online states need `node:sqlite`: Node.js 22.13 or newer, Bun or Deno. Without
 * them, only the keys are imported, and `problems` lists the rest.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is not one of the original, or on a read or write error. `ERR_BUSY` if a rig runs in
 * either. `ERR_KEY_STORE`. `ERR_INVALID_ARGUMENT`.
 */
export async function importRig(folder: string, options: ImportOptions = {}): Promise<ImportedRig> {
  const { user, ...rest } = checkOptions(options, importNames)
  const paths = homePaths(rest)
  const name = optional('string', user, 'options.user') ?? 'me'
  const source = resolve(optional('string', folder, 'folder') ?? '')
  const found = await accountsIn(source)
  if (found.length === 0) {
    const message = `the folder '${printable(source)}' is not one of the original: it has no accounts/ID52/aliases`
    throw new FastnNetError('ERR_FILE', message, { phase: 'import' })
  }
  const database = await sqlite()
  const problems: string[] = []
  if (database === undefined)
    problems.push('names, flags and online states: they need Node.js 22.13 or newer, Bun or Deno')
  await mkdir(paths.rig, { recursive: true, mode: 0o700 })
  const unlock = lockHome(paths)
  try {
    const isNew = (await readState(paths)) === undefined
    if (isNew) await copyKey(join(source, 'rig'), 'rig', paths.rig)
    for (const { account, aliases } of found)
      for (const alias of aliases) await copyKey(aliasesIn(source, account), alias, aliasesOf(paths, account))
    if (isNew) await initRig(rest)
    const rig = database === undefined ? undefined : documentsOf(database, join(source, 'rig', 'automerge.sqlite'))
    if (rig !== undefined)
      await applyState(
        rig,
        found.flatMap(({ aliases }) => aliases),
        isNew,
        rest
      )
    const accounts: ImportedAccount[] = []
    for (const { account, aliases } of found) {
      const from = join(source, 'accounts', account)
      const documents = database === undefined ? new Map() : documentsOf(database, join(from, 'automerge.sqlite'))
      const peers = await importPeers(paths, account, documents)
      const mail = await mailOf(from, join(mailFolder(paths.accounts, account), 'users', name), database)
      problems.push(...mail.problems)
      accounts.push({ account, aliases, peers, mails: mail.mails, duplicates: mail.duplicates })
    }
    return { accounts, problems }
  } finally {
    unlock()
  }
}

async function mailOf(...parts: Parameters<typeof importMails>): Promise<ImportedMail> {
  try {
    return await importMails(...parts)
  } catch (error) {
    // Continue without the package or with a full disk: the keys matter more.
    return { mails: 0, duplicates: 0, problems: [`mails of ${parts[0]}: ${(error as Error).message}`] }
  }
}

function aliasesIn(source: string, account: string): string {
  return join(source, 'accounts', account, 'aliases')
}

async function accountsIn(source: string): Promise<{ account: string; aliases: string[] }[]> {
  const accounts = (await readdir(join(source, 'accounts')).catch(() => [])).filter(isId52).sort()
  const found = await Promise.all(
    accounts.map(async account => {
      const names = await readdir(aliasesIn(source, account)).catch(() => [])
      const ids = names.flatMap(name => /^(.*)\.(?:private-key|id52)$/.exec(name)?.[1] ?? [])
      return { account, aliases: [...new Set(ids.filter(isId52))].sort() }
    })
  )
  return found.filter(({ aliases }) => aliases.length > 0)
}

/** Copies a key unless it exists. For a key in the keyring, copies the file that names it. */
async function copyKey(from: string, name: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  const names = await readdir(to)
  if (names.some(each => each === `${name}.private-key` || each === `${name}.id52`)) return
  try {
    await copyFile(join(from, `${name}.id52`), join(to, `${name}.id52`), constants.COPYFILE_EXCL)
    return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = await loadSecretKey({ folder: from, name, env: {} })
  if (key === null) return
  if (isId52(name) && key.id52 !== name)
    throw new FastnNetError('ERR_KEY_STORE', `'${printable(join(from, name))}' is the key of ${key.id52}`)
  await saveSecretKey(key, { folder: to, name })
}

/** Online states; of a new home the current identity too. */
async function applyState(
  documents: ReadonlyMap<string, Row>,
  ids: readonly string[],
  isNew: boolean,
  options: HomeOptions
): Promise<void> {
  for (const id52 of ids) {
    const online = documents.get(`/-/entities/${id52}/status`)?.is_online
    if (typeof online === 'boolean') await setOnline(id52, online, options)
  }
  const config = [...documents].find(([path]) => /^\/-\/rig\/[^/]+\/config$/.test(path))?.[1]
  const current = config?.current_entity
  if (isNew && typeof current === 'string' && ids.includes(current)) await setCurrent(current, options)
}

/** Names of peers from the documents about them. Those whose mail was allowed are in the group `mail`. */
async function importPeers(paths: HomePaths, account: string, documents: ReadonlyMap<string, Row>): Promise<number> {
  const ids = [...documents.keys()].flatMap(path => /^\/-\/aliases\/([^/]+)\/(?:readme|notes)$/.exec(path)?.[1] ?? [])
  const peers = [...new Set(ids.filter(isId52))].filter(id52 => id52 !== account)
  if (peers.length === 0) return 0
  const store = fileStore(accountFile(paths, account, account))
  const data: AccountDraft = checkData((await store.open()) ?? emptyData())
  let added = 0
  try {
    for (const id52 of peers) {
      if (Object.values(data.aliases).some(alias => alias.id52 === id52)) continue
      const notes = documents.get(`/-/aliases/${id52}/notes`) ?? {}
      const name = nameOf(notes.nickname ?? documents.get(`/-/aliases/${id52}/readme`)?.name)
      const alias = freeName(name, each => each in data.aliases || each in data.groups)
      data.aliases[alias] = { id52 }
      added++
      if (notes.allow_mail === true) data.groups.mail = [...(data.groups.mail ?? []), alias]
    }
    if (added > 0) await store.save(checkData(data))
  } finally {
    await store.close()
  }
  return added
}

/** A name of the original as a name of an account. */
function nameOf(given: unknown): string {
  const name = String(given ?? '')
    .trim()
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .slice(0, 60)
    .replace(/^[._-]+|[._-]+$/g, '')
  return isName(name) ? name : 'peer'
}
