import { createRequire } from 'node:module'
import { FastnNetError } from '../errors.js'
import { builtin } from '../util/builtin.js'
import { printable } from '../util/display.js'
import { version } from '../version.js'
import type { Native } from './binding.js'

const supported = 'Linux (x64, arm64; glibc or musl), macOS and Windows (x64, arm64)'

const targets = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc'
]

let loaded: Native | undefined

/**
 * The addon, loaded at first use: importing the package costs nothing and cannot fail.
 *
 * @throws {FastnNetError} `ERR_NATIVE` when there is no addon for this platform, it cannot be loaded, or is of another version.
 */
export function native(): Native {
  return loaded ?? load()
}

function load(): Native {
  loaded = loadAddon()
  return loaded
}

/**
 * Loads the addon through napi's generated loader, and explains a failure.
 *
 * @throws {FastnNetError} `ERR_NATIVE`. `cause` is what the system said, without the loader's search.
 */
function loadAddon(): Native {
  let addon: Partial<Native>
  try {
    addon = createRequire(import.meta.url)('#addon')
  } catch (error) {
    throw diagnose(error as NodeJS.ErrnoException)
  }
  const found = addon.version?.()
  if (found === version) return addon as Native
  const other = found === undefined ? 'of another version' : `of version ${found}`
  throw failed(`the native addon is ${other}, and fastn-net is ${version}: install both anew, in the same version`)
}

function diagnose(error: NodeJS.ErrnoException): FastnNetError {
  const [text = ''] = error.message.split('\n')
  // Resolved beside a bundle, the import belongs to whatever package that is in.
  if (
    error.code === 'ERR_PACKAGE_IMPORT_NOT_DEFINED' ||
    error.code === 'ERR_INVALID_ARG_VALUE' ||
    text.includes("'#addon'")
  )
    return failed(
      'the native addon was not found beside this code. Is fastn-net bundled? Then keep fastn-net external: a bundle has no place for the addon',
      error
    )
  if (text.includes('binding.cjs'))
    return failed('the native addon was not built: in a clone of the repository, run: npm run build', error)

  const [platform, libc] = whereWeAre()
  const target = targets.find(each => each === `${process.platform}-${process.arch}${platform}`)
  const here = `${process.platform} ${process.arch}${libc}`
  if (target === undefined) return failed(`there is no native addon for ${here}. Supported are ${supported}`)
  const name = `fastn-net-${target}`
  const [cause] = realCauses(error)
  if (cause !== undefined) return failed(`${name} could not be loaded: ${firstLine(cause)}`, cause)
  const others = targets.map(each => `fastn-net-${each}`).filter(each => each !== name && isInstalled(each))
  const advice =
    others.length > 0
      ? `${others.join(' and ')} is: node_modules comes from another system, install anew on this one`
      : 'install again without --no-optional (--omit=optional); in a clone of the repository, run: npm run build'
  return failed(`the package ${name}, the native addon for ${here}, is not installed: ${advice}`)
}

/** The last part of the target's name, and what people call it. */
function whereWeAre(): [string, string] {
  if (process.platform === 'win32') return ['-msvc', '']
  if (process.platform !== 'linux') return ['', '']
  return isMusl() ? ['-musl', ' (musl)'] : ['-gnu', ' (glibc)']
}

function isMusl(): boolean {
  // Not every runtime has reports.
  const host: Partial<NodeJS.Process> = process
  const { header } = (host.report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  if (header?.glibcVersionRuntime !== undefined) return false
  return builtin('node:fs').existsSync(`/lib/ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`)
}

/** The loader's errors as a chain of causes, without those of names that it only tried. */
function realCauses(error: Error): Error[] {
  const causes: Error[] = []
  for (let next = error.cause; next instanceof Error; next = next.cause)
    if (!/^Cannot find module '(\.\/)?fastn-net[.-][^/]*'/.test(next.message)) causes.unshift(new Error(next.message))
  for (const [at, cause] of causes.entries()) if (causes[at + 1] !== undefined) cause.cause = causes[at + 1]
  return causes
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

function firstLine({ message }: Error): string {
  return printable(message.split('\n')[0] ?? '')
}

function failed(message: string, cause?: Error): FastnNetError {
  return new FastnNetError('ERR_NATIVE', message, { phase: 'load', ...(cause === undefined ? {} : { cause }) })
}
