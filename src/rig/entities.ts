import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkName } from '../account/names.js'
import { FastnNetError } from '../errors.js'
import { loadSecretKey, saveSecretKey } from '../keys/key-store.js'
import { PublicKey } from '../keys/public-key.js'
import { SecretKey } from '../keys/secret-key.js'
import { printable } from '../util/display.js'
import { nearest } from '../util/nearest.js'
import { checkOptions, invalid, type OptionNames, optional } from '../util/validate.js'
import { aliasesOf, type HomePaths, pathsOf } from './home.js'
import { type RigState, readState, stateOf, updateState, writeState } from './state.js'

/** Location of a rig. */
export interface HomeOptions {
  /** The folder. Default: see {@link rigHome}. */
  home?: string | undefined
}

/** An identity of a rig: the rig itself, or an alias of an account. */
export interface RigEntity {
  /** Its public key. */
  readonly id52: string
  /** Kind of the identity. */
  readonly kind: 'rig' | 'account'
  /** ID52 of the account, which is that of its first alias; `null` for the rig. */
  readonly account: string | null
  /** Name of the account in this rig; `'rig'` for the rig; `null` without one. */
  readonly name: string | null
  /** Whether it has an endpoint while the rig runs. */
  readonly online: boolean
}

/** Content of a home. */
export interface RigEntities {
  /** The folder. */
  readonly home: string
  /** ID52 of the rig. */
  readonly id52: string
  /** ID52 of the account that owns the rig. */
  readonly owner: string
  /** ID52 of the identity that services without `identity` use. */
  readonly current: string
  /** The rig, then the aliases of all accounts. */
  readonly entities: readonly RigEntity[]
}

const homeNames: OptionNames<HomeOptions> = { home: true }

/** Name of the key of the rig. */
const rigKey = 'rig'

/** Checks the location of a rig. */
export function homePaths(options: HomeOptions): HomePaths {
  return pathsOf(optional('string', checkOptions(options, homeNames).home, 'options.home'))
}

/**
 * Initializes a folder as the home of a rig, with the rig's key and an account that owns it. Both are online. Existing keys of the rig and of
 * accounts in the folder are used, never replaced.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder already is the home of a rig, or cannot be written. `ERR_KEY_STORE`.
 * `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * const { owner } = await initRig({ home: 'my-rig' })
 */
export async function initRig(options: HomeOptions = {}): Promise<RigEntities> {
  const paths = homePaths(options)
  if ((await readState(paths)) !== undefined) {
    const message = `the folder '${printable(paths.home)}' is the home of a rig already`
    throw new FastnNetError('ERR_FILE', message, { phase: 'rig' })
  }
  return await inFiles(paths, async () => {
    await mkdir(paths.rig, { recursive: true, mode: 0o700 })
    const rig = (await idOfKey(paths.rig, rigKey)) ?? (await newKey(paths.rig, rigKey))
    const [first] = await accountsOf(paths)
    const owner = first ?? (await newAccount(paths))
    const identities = { [rig]: { online: true }, [owner]: { online: true } }
    await writeState(paths, { rig, owner, current: owner, created: Date.now(), identities })
    // Last, because its presence marks a complete home.
    await (await open(paths.lock, 'a', 0o600)).close()
    return await rigEntities(options)
  })
}

/**
 * Reads the identities of a home. Works while its rig runs.
 *
 * @throws {FastnNetError} `ERR_FILE` if the folder is not the home of a rig. `ERR_KEY_STORE`. `ERR_INVALID_ARGUMENT`.
 */
export async function rigEntities(options: HomeOptions = {}): Promise<RigEntities> {
  const paths = homePaths(options)
  const state = await stateOf(paths)
  const { rig, owner, current } = state
  const { home } = paths
  return { home, id52: rig, owner, current, entities: await entitiesOf(paths, state) }
}

/** The identities of a home. */
export async function entitiesOf(paths: HomePaths, { rig, identities }: RigState): Promise<RigEntity[]> {
  const isOnline = (id52: string) => (Object.hasOwn(identities, id52) ? identities[id52]?.online === true : false)
  const found: RigEntity[] = [{ id52: rig, kind: 'rig', account: null, name: rigKey, online: isOnline(rig) }]
  await inFiles(paths, async () => {
    for (const account of await accountsOf(paths)) {
      for (const id52 of await keysOf(aliasesOf(paths, account))) {
        const name = Object.hasOwn(identities, id52) ? (identities[id52]?.name ?? null) : null
        found.push({ id52, kind: 'account', account, name, online: isOnline(id52) })
      }
    }
  })
  return found
}

/**
 * Adds an account with its own key, initially offline: see {@link setOnline}.
 *
 * @param options `name`: its name in this rig. Default: none.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also for a duplicate name. `ERR_FILE`. `ERR_KEY_STORE`.
 *
 * @example
 * const work = await createAccount({ name: 'work' })
 * await setOnline(work.id52, true)
 */
export async function createAccount(options: HomeOptions & { name?: string | undefined } = {}): Promise<RigEntity> {
  const { name, ...rest } = options
  const paths = homePaths(rest)
  if (name !== undefined) checkName(name, 'options.name')
  const { entities } = await rigEntities(rest)
  if (name !== undefined && entities.some(entity => entity.name === name))
    throw invalid('options.name', `another name than '${name}', which is taken`)
  return await inFiles(paths, async () => {
    const id52 = await newAccount(paths)
    const change = (state: RigState): RigState => {
      const added = { online: false, ...(name !== undefined && { name }) }
      return { ...state, identities: { ...state.identities, [id52]: added } }
    }
    await updateState(paths, change).catch(async (error: unknown) => {
      await removeAccount(paths, id52)
      throw error
    })
    return { id52, kind: 'account', account: id52, name: name ?? null, online: false }
  })
}

/**
 * Brings an identity online or offline. A running rig applies the change on {@link Rig.reload}; `fastn-net rig run` watches the home.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
export async function setOnline(entity: string, isOnline: boolean, options: HomeOptions = {}): Promise<RigEntity> {
  if (typeof isOnline !== 'boolean') throw invalid('isOnline', 'a boolean')
  const found = findEntity((await rigEntities(options)).entities, entity)
  await updateState(homePaths(options), state => {
    const before = Object.hasOwn(state.identities, found.id52) ? state.identities[found.id52] : undefined
    return { ...state, identities: { ...state.identities, [found.id52]: { ...before, online: isOnline } } }
  })
  return { ...found, online: isOnline }
}

/**
 * Sets the identity of services without `identity`. A running rig applies the change as with {@link setOnline}.
 *
 * @param entity An ID52, the name of an account, or `'rig'`.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity. `ERR_FILE`.
 */
export async function setCurrent(entity: string, options: HomeOptions = {}): Promise<RigEntity> {
  const found = findEntity((await rigEntities(options)).entities, entity)
  await updateState(homePaths(options), state => ({ ...state, current: found.id52 }))
  return found
}

/** The identity with this ID52 or name. */
export function findEntity(entities: readonly RigEntity[], wanted: string): RigEntity {
  const found = entities.find(({ id52, name }) => wanted === name || wanted.toLowerCase() === id52)
  if (found !== undefined) return found
  const close = nearest(
    wanted,
    entities.flatMap(({ name }) => name ?? [])
  )
  const advice = close === undefined ? '' : `. Did you mean '${close}'?`
  throw invalid('entity', `an ID52 or a name of this rig; there is no '${printable(wanted.slice(0, 64))}'${advice}`)
}

/** The secret key of an identity. */
export async function keyOf(paths: HomePaths, { id52, account }: RigEntity, signal?: AbortSignal): Promise<SecretKey> {
  const [folder, name] = account === null ? [paths.rig, rigKey] : [aliasesOf(paths, account), id52]
  const key = await loadSecretKey({ folder, name, keyring: true, signal })
  if (key?.id52 === id52) return key
  const what = key === null ? 'there is no key' : `the key is that of ${key.id52}`
  throw new FastnNetError('ERR_KEY_STORE', `${what}, in '${printable(folder)}' for ${id52}`, { phase: 'rig' })
}

async function newKey(folder: string, name?: string): Promise<string> {
  const key = SecretKey.generate()
  await saveSecretKey(key, { folder, name: name ?? key.id52 })
  return key.id52
}

async function newAccount(paths: HomePaths): Promise<string> {
  const key = SecretKey.generate()
  const folder = aliasesOf(paths, key.id52)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await saveSecretKey(key, { folder, name: key.id52 })
  } catch (error) {
    await removeAccount(paths, key.id52)
    throw error
  }
  return key.id52
}

/** Removes an account that could not be completed. Its key was not published yet. */
async function removeAccount({ accounts }: HomePaths, id52: string): Promise<void> {
  await rm(join(accounts, id52), { recursive: true, force: true }).catch(() => {})
}

/** ID52 of a key; `undefined` if there is none. Does not read the keyring. */
async function idOfKey(folder: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, `${name}.id52`), 'utf8').catch(() => undefined)
  if (text !== undefined) return PublicKey.from(text.trim()).id52
  return (await loadSecretKey({ folder, name }))?.id52
}

async function accountsOf({ accounts }: HomePaths): Promise<string[]> {
  return (await names(accounts)).filter(isId52).sort()
}

/** ID52s of the keys in a folder. */
async function keysOf(folder: string): Promise<string[]> {
  const found = (await names(folder)).flatMap(name => /^(.*)\.(?:private-key|id52)$/.exec(name)?.[1] ?? [])
  return [...new Set(found.filter(isId52))].sort()
}

/** Whether a text is an ID52 in the form of file names. */
export function isId52(text: string): boolean {
  return /^[0-9a-v]{51}[0g]$/.test(text)
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

/** Turns an error of the system into one of the library. */
async function inFiles<Result>({ home }: HomePaths, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof FastnNetError) throw error
    const { code = '' } = error as NodeJS.ErrnoException
    throw new FastnNetError('ERR_FILE', `cannot use the home '${printable(home)}': ${code}`, {
      phase: 'rig',
      cause: error
    })
  }
}
