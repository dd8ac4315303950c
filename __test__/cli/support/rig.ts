import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Cli, type CliEvent, cli, eventsOf, folderFor } from './cli.js'

/** A rig that runs until the test ends. */
export interface RunningRig {
  readonly home: string
  /** Its configuration. */
  readonly file: string
  readonly program: Cli
  /** Identities that were online at the start. */
  readonly identities: readonly CliEvent[]
  /** The account that owns it. */
  readonly owner: CliEvent
}

/** Creates the home of a rig. */
export async function rigHome(t: ExecutionContext, config = ''): Promise<string> {
  const home = join(folderFor(t), 'rig')
  const [event] = eventsOf(await cli(['rig', 'init', '--home', home, '--json']))
  if (event?.event !== 'initialized') throw new Error(JSON.stringify(event))
  writeFileSync(join(home, 'rig.toml'), config)
  return home
}

/** Runs a command of a rig, and returns its events. */
export async function rig(home: string, ...args: string[]): Promise<CliEvent[]> {
  const [command = '', ...rest] = args
  return eventsOf(await cli(['rig', command, ...rest, '--home', home, '--json']))
}

/** Starts a rig. */
export async function runRig(t: ExecutionContext, home: string, env: Record<string, string> = {}): Promise<RunningRig> {
  const program = new Cli(['rig', 'run', '--home', home, '--json'], { env })
  t.teardown(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  const events: CliEvent[] = []
  while (events.at(-1)?.event !== 'ready') events.push(JSON.parse(await program.line()))
  const identities = events.filter(({ event }) => event === 'identity')
  const owner = identities.find(({ kind }) => kind === 'account') ?? { event: 'none' }
  return { home, file: join(home, 'rig.toml'), program, identities, owner }
}
