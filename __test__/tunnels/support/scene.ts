import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { folderFor } from '../../cli/support/cli.js'
import { type Run, type RunOptions, run, type Started, start } from './program.js'

// Each scene starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** Debian's package of each program. */
const packages = {
  curl: 'curl',
  git: 'git',
  'git-http-backend': 'git',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  initdb: 'postgresql',
  postgres: 'postgresql',
  psql: 'postgresql-client',
  pgbench: 'postgresql',
  'redis-server': 'redis-server',
  'redis-benchmark': 'redis-tools',
  'redis-cli': 'redis-tools',
  wrk: 'wrk',
  iperf3: 'iperf3',
  dig: 'bind9-dnsutils',
  chromium: 'chromium'
} as const

/** A program of the system that scenes run. */
export type ProgramName = keyof typeof packages

/** The tools of a scene. */
export interface Scene {
  readonly t: ExecutionContext
  /** Removed when the scene ends. */
  readonly folder: string
  /** Runs a program to its end. */
  run(name: ProgramName, args: readonly string[], options?: RunOptions): Promise<Run>
  /** Starts a server, which ends with the scene. */
  start(name: ProgramName, args: readonly string[], options?: RunOptions): Started
}

/**
 * Defines a test of real programs. It is skipped if one of them is missing. In CI it fails instead, so that no scene is left out
 * unnoticed.
 */
export function scene(title: string, programs: readonly ProgramName[], play: (scene: Scene) => Promise<void>): void {
  const missing = programs.filter(name => find(name) === undefined)
  const hint = `${title}: not found: ${missing.join(', ')}; apt-get install ${[...new Set(missing.map(name => packages[name]))].join(' ')}`
  if (missing.length > 0 && process.env.CI === undefined) {
    console.log(`SKIPPED: ${hint}`)
    test.skip(title, () => {})
    return
  }
  test(title, async t => {
    if (missing.length > 0) return t.fail(hint)
    const folder = folderFor(t)
    await play({
      t,
      folder,
      run: (name, args, options) => run([find(name) ?? name, ...args], options),
      start: (name, args, options) => start(t, [find(name) ?? name, ...args], options)
    })
  })
}

/** The path of a program. Servers are often outside the PATH. */
export function find(name: ProgramName): string | undefined {
  const versions = '/usr/lib/postgresql'
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    '/usr/sbin',
    '/usr/lib/git-core',
    ...(existsSync(versions) ? readdirSync(versions).map(version => join(versions, version, 'bin')) : [])
  ]
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}
