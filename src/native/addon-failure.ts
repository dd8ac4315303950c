import { FastnNetError } from '../errors.js'
import { builtin } from '../util/builtin.js'
import { printable } from '../util/display.js'

/** Where an addon was looked for. */
export interface Search {
  /** Such as `linux-x64-gnu`. */
  readonly target: string
  /** The modules it was required from: the file that runs, what `import.meta.url` says, the program's. */
  readonly from: readonly string[]
  /** Platforms that have packages. */
  readonly targets: readonly string[]
}

/** No package exists for this platform. */
export function unsupported(target: string, targets: readonly string[]): FastnNetError {
  return failed(`there is no native addon for ${platformOf(target)}. Supported are ${targets.join(', ')}`)
}

/** Why no addon was found: a bundle, a clone without a build, a folder of another system, or not installed. */
export function notFound({ target, from, targets }: Search, cause: Error | undefined): FastnNetError {
  const { existsSync } = builtin('node:fs')
  const here = platformOf(target)
  const name = `fastn-net-${target}`
  const code = from.find(file => existsSync(file)) ?? ''
  const folder = packageFolder(code)
  if (folder === undefined) {
    const folders = [...new Set(from.map(file => builtin('node:path').dirname(file)))]
    return failed(
      `the native addon for ${here} was not found. fastn-net is bundled${code && ` into ${code}`}: keep fastn-net external, or copy fastn-net.${target}.node of the package ${name} next to the bundle, or name it by FASTN_NET_ADDON. Neither it nor node_modules/${name} is in ${folders.join(' or ')}`,
      cause
    )
  }
  if (existsSync(builtin('node:path').join(folder, 'Cargo.toml')))
    return failed('the native addon was not built: in a clone of the repository, run: npm run build', cause)
  const others = targets.map(each => `fastn-net-${each}`).filter(each => each !== name && isInstalled(each, code))
  const advice =
    others.length > 0
      ? `${others.join(' and ')} is: node_modules comes from another system, install anew on this one`
      : 'install again without --no-optional (--omit=optional)'
  return failed(`the package ${name}, the native addon for ${here}, is not installed: ${advice}`)
}

/** An addon that was found, and that the system refused. */
export function notLoaded(name: string, error: Error): FastnNetError {
  return failed(`${name} could not be loaded: ${printable(error.message.split('\n')[0] ?? '')}`, error)
}

export function failed(message: string, cause?: Error): FastnNetError {
  return new FastnNetError('ERR_NATIVE', message, { phase: 'load', ...(cause === undefined ? {} : { cause }) })
}

function platformOf(target: string): string {
  const libc = target.endsWith('-musl') ? ' (musl)' : target.endsWith('-gnu') ? ' (glibc)' : ''
  return `${process.platform} ${process.arch}${libc}`
}

/** The folder of this package. `undefined` in a bundle, whose code is in a package of another name, or in none. */
function packageFolder(code: string): string | undefined {
  const { dirname, join } = builtin('node:path')
  let folder = dirname(code)
  // In `dist`, and in `dist/modules/native` of a clone.
  for (let up = 0; up < 4; up++, folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'))
    if (name !== undefined) return name === 'fastn-net' ? folder : undefined
  }
  return undefined
}

/** The `name` of a manifest; `undefined` if there is none. */
function nameIn(file: string): string | undefined {
  try {
    return (JSON.parse(builtin('node:fs').readFileSync(file, 'utf8')) as { name?: string }).name
  } catch {
    return undefined
  }
}

function isInstalled(name: string, from: string): boolean {
  try {
    builtin('node:module').createRequire(from).resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}
