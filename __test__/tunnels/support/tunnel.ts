import { createHash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { Cli, cliFile } from '../../cli/support/cli.js'

/** Exposes a port of this machine with `fastn-net tcp`. Returns the ticket. */
export async function exposed(t: ExecutionContext, port: number): Promise<string> {
  return await serving(t, ['tcp', String(port), '--public'])
}

/** Carries a port of this machine through `fastn-net tcp` and `tcp-bridge`. Returns the port of the bridge. */
export async function tunnelled(t: ExecutionContext, port: number): Promise<number> {
  const address = await serving(t, ['tcp-bridge', await exposed(t, port)])
  return Number(address.split(':')[1])
}

/** The shell command that connects to a peer's service. */
export function pipeCommand(ticket: string): string {
  return `${process.execPath} ${cliFile} pipe ${ticket}`
}

/** Starts a command that serves until the test ends, and returns the first line that it prints. */
export async function serving(t: ExecutionContext, args: readonly string[]): Promise<string> {
  // It ends with this process in any case.
  const program = new Cli([...args, '--quiet'], {
    before: ['setpriv', '--pdeathsig', 'KILL'],
    env: { FASTN_NET_LOG: 'fastn_net::tunnel=warn' }
  })
  t.teardown(async () => {
    program.kill('SIGKILL')
    const { stderr } = await program.ended
    if (stderr !== '') t.log(stderr)
  })
  return await program.line()
}

/**
 * Calls `use` with both ports, or both routes to a server. Asserts that the results are equal, byte for byte, and returns the result of
 * the tunnel. `what` identifies the assertion.
 */
export async function alike<Result extends object, Way = number>(
  t: ExecutionContext,
  ways: { readonly direct: Way; readonly tunnel: Way },
  use: (way: Way) => Promise<Result>,
  what = ''
): Promise<Result> {
  const [direct, tunnel] = [await use(ways.direct), await use(ways.tunnel)]
  t.deepEqual(brief(tunnel), brief(direct), what)
  return tunnel
}

/** Shows bytes as their number, digest and beginning: a list of millions would hide the difference. */
function brief(result: object): object {
  const bytes = (value: Buffer) => {
    const sha256 = createHash('sha256').update(value).digest('hex')
    return { length: value.length, sha256, start: value.toString('latin1', 0, 500) }
  }
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => [name, value instanceof Buffer ? bytes(value) : value])
  )
}
