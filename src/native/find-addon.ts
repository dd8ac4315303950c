import { builtin } from '../util/builtin.js'
import { notFound, notLoaded, unsupported } from './addon-failure.js'

const targets = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc'
] as const

type Target = (typeof targets)[number]

/**
 * Loads the addon of this platform: from the file that `FASTN_NET_ADDON` names, from beside this code, or from the package of the
 * platform. A bundle that contains this code may replace `import.meta.url`, so the file that runs and the program's own are asked as well.
 *
 * @throws {FastnNetError} `ERR_NATIVE`. `cause` is the error of the system.
 */
export function findAddon(): unknown {
  const target = targetOf()
  const from = startingPoints()
  const named = process.env.FASTN_NET_ADDON
  if (named !== undefined && named !== '') {
    try {
      return builtin('node:module').createRequire(from[0] ?? process.execPath)(builtin('node:path').resolve(named))
    } catch (error) {
      throw notLoaded(`${named}, as FASTN_NET_ADDON says,`, error as Error)
    }
  }
  if (!isSupported(target)) throw unsupported(target, targets)
  let missing: Error | undefined
  for (const file of from)
    for (const [name, load] of [
      [`./fastn-net.${target}.node`, () => besideCode(target, file)],
      [`fastn-net-${target}`, () => ofPackage(target, file)]
    ] as const)
      try {
        return load()
      } catch (error) {
        if (!isMissing(error as Error, name)) throw notLoaded(`fastn-net-${target}`, error as Error)
        missing = error as Error
      }
  throw notFound({ target, from, targets }, missing)
}

/** Files of a repository's build, and copies that a bundle was given. */
function besideCode(target: string, file: string): unknown {
  const module = builtin('node:module')
  const requireFrom = module.createRequire(file)
  return requireFrom(`./fastn-net.${target}.node`)
}

/**
 * Literals: tools that trace the files of a program find the packages by them, and `module.createRequire` by its name. webpack would warn of
 * an imported `createRequire`.
 */
function ofPackage(target: Target, file: string): unknown {
  const module = builtin('node:module')
  const requireFrom = module.createRequire(file)
  switch (target) {
    case 'darwin-arm64':
      return requireFrom('fastn-net-darwin-arm64')
    case 'darwin-x64':
      return requireFrom('fastn-net-darwin-x64')
    case 'linux-arm64-gnu':
      return requireFrom('fastn-net-linux-arm64-gnu')
    case 'linux-arm64-musl':
      return requireFrom('fastn-net-linux-arm64-musl')
    case 'linux-x64-gnu':
      return requireFrom('fastn-net-linux-x64-gnu')
    case 'linux-x64-musl':
      return requireFrom('fastn-net-linux-x64-musl')
    case 'win32-arm64-msvc':
      return requireFrom('fastn-net-win32-arm64-msvc')
    case 'win32-x64-msvc':
      return requireFrom('fastn-net-win32-x64-msvc')
  }
}

/** This code's file, and the program's. webpack sets `import.meta.url` to a file of the machine that built, others drop it. */
function startingPoints(): string[] {
  const { isAbsolute, resolve } = builtin('node:path')
  const url: unknown = import.meta.url
  // Absolute, but for the program of a snapshot.
  const program = process.argv[1] === undefined ? undefined : toPath(resolve(process.argv[1]))
  const files = [toPath(runningFile()), toPath(url), program]
  return files.filter((file, at) => file !== undefined && isAbsolute(file) && files.indexOf(file) === at) as string[]
}

/** The file that the engine runs this code from, which a bundler cannot replace. */
function runningFile(): string | undefined {
  const before = Error.prepareStackTrace
  try {
    let file: string | null | undefined
    Error.prepareStackTrace = (_, sites) => {
      file = sites[0]?.getFileName()
    }
    void new Error('where').stack
    return file ?? undefined
  } catch {
    // Frozen, or not of this engine.
    return undefined
  } finally {
    try {
      Error.prepareStackTrace = before
    } catch {}
  }
}

function toPath(file: unknown): string | undefined {
  if (typeof file !== 'string') return undefined
  const path = file.startsWith('file:') ? builtin('node:url').fileURLToPath(file) : file
  // A program that Bun has compiled has its files in itself.
  return /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(path) ? process.execPath : path
}

function targetOf(): string {
  const { arch, platform } = process
  const abi = platform === 'win32' ? '-msvc' : platform !== 'linux' ? '' : isMusl() ? '-musl' : '-gnu'
  return `${platform}-${arch}${abi}`
}

function isSupported(target: string): target is Target {
  return targets.includes(target as Target)
}

function isMusl(): boolean {
  const { arch } = process
  const name = ({ arm64: 'aarch64', x64: 'x86_64' } as Partial<Record<typeof arch, string>>)[arch] ?? arch
  if (!mayExist(`/lib/ld-musl-${name}.so.1`)) return false
  // A system on glibc may have musl installed, too. Not every runtime has reports.
  const host: Partial<NodeJS.Process> = process
  const { header } = (host.report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime === undefined
}

/** Whether a file is there, or a permission to look is missing (`--permission`). */
function mayExist(file: string): boolean {
  try {
    return builtin('node:fs').existsSync(file)
  } catch {
    return true
  }
}

/** Whether an error says that nothing has this name, rather than that a file which it has cannot be loaded. */
function isMissing(error: Error, name: string): boolean {
  // Yarn's Plug'n'Play resolves by itself, and has its own messages.
  if ('pnpCode' in error) return true
  const [, found] = /^Cannot find (?:module|package) '([^']*)'/.exec(error.message) ?? []
  return found === name || (name.startsWith('./') && found?.endsWith(name.slice(1)) === true)
}
