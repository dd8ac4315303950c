import { open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { startWakeups } from '../native/wakeups.js'
import { printable } from '../util/display.js'
import { replaceFile } from '../util/replace-file.js'
import { isPlain } from '../util/validate.js'
import type { AccountData } from './data.js'
import type { AccountStore } from './store.js'

/** Longest file that is read or written, in bytes. */
const maxBytes = 64 * 1024 * 1024

const format = 'fastn-net account'
const version = 1

/**
 * Stores an account in a JSON file, readable by its owner only (mode 0600). The folder must exist.
 *
 * Each change writes a new file, flushes it to disk (fsync), and renames it over the old one: after a crash or with a full disk, the file
 * holds the account before or after the change. A damaged file is not changed. A second file with the suffix `.lock` locks out other
 * programs while the account is open.
 *
 * Errors of `openAccount` and of changes: `ERR_BUSY` if the account is open elsewhere; `ERR_FILE` if the file cannot be read or written, or
 * holds no account.
 *
 * @param path Path of the file. A missing file is a new account.
 *
 * @example
 * const account = await openAccount(endpoint, { store: fileStore('account.json') })
 */
export function fileStore(path: string): AccountStore {
  const file = resolve(path)
  let lock: number | undefined
  return {
    async open() {
      startWakeups()
      const taken = native().fileLock(`${file}.lock`)
      if (taken === FAILED) throw lastFailure({ phase: 'account' })
      try {
        const data = await read(file)
        await removeLeftovers(file)
        lock = taken
        return data
      } catch (error) {
        native().handleRelease(taken)
        throw error
      }
    },
    async save(data) {
      if (lock === undefined) throw new FastnNetError('ERR_CLOSED', `the account '${printable(path)}' is not open`)
      await write(file, `${JSON.stringify({ format, version, ...data }, null, 2)}\n`)
    },
    async close() {
      if (lock !== undefined) native().handleRelease(lock)
      lock = undefined
    }
  }
}

async function read(file: string): Promise<AccountData | undefined> {
  let bytes: Buffer
  try {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      if (size > maxBytes) throw failed(file, `it has ${size} bytes, more than ${maxBytes}`)
      bytes = await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error instanceof FastnNetError ? error : failed(file, 'it cannot be read', error)
  }
  return parse(file, bytes)
}

function parse(file: string, bytes: Buffer): AccountData {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw failed(file, 'it is not JSON. It was not changed: restore it from a backup, or move it away', error)
  }
  if (typeof value !== 'object' || value === null || !isPlain(value))
    throw failed(file, 'it does not contain an account')
  const { format: kind, version: of, ...data } = value as Record<string, unknown>
  if (kind !== format) throw failed(file, `it holds no account: "format" is not "${format}"`)
  if (of !== version) throw failed(file, `its version is ${JSON.stringify(of)}; this program reads version ${version}`)
  return data as unknown as AccountData
}

async function write(file: string, text: string): Promise<void> {
  if (Buffer.byteLength(text) > maxBytes) throw failed(file, `the account would have more than ${maxBytes} bytes`)
  await replaceFile(file, text).catch((error: unknown) => {
    throw failed(file, 'it cannot be written', error)
  })
}

const leftover = /^\.[\da-f-]{36}\.new$/

/** Removes files of changes that a crash interrupted. */
async function removeLeftovers(file: string): Promise<void> {
  const [folder, name] = [dirname(file), basename(file)]
  for (const other of await readdir(folder)) {
    if (other.startsWith(name) && leftover.test(other.slice(name.length)))
      await rm(join(folder, other), { force: true })
  }
}

function failed(file: string, why: string, cause?: unknown): FastnNetError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const detail = typeof code === 'string' ? ` (${code})` : ''
  const message = `the account '${printable(file)}' cannot be used: ${why}${detail}`
  return new FastnNetError(
    'ERR_FILE',
    message,
    cause === undefined ? { phase: 'account' } : { phase: 'account', cause }
  )
}
