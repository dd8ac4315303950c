// PostgreSQL and Redis with their own clients and benchmarks.
import { join } from 'node:path'
import { freePort } from './support/program.js'
import { scene } from './support/scene.js'
import { alike, tunnelled } from './support/tunnel.js'

const clients = ['psql', 'pgbench'] as const

scene('psql and pgbench', ['initdb', 'postgres', ...clients], async ({ t, folder, run, start }) => {
  const data = join(folder, 'data')
  const made = await run('initdb', ['--pgdata', data, '--auth', 'trust', '--username', 'test', '--no-sync'])
  t.is(made.code, 0, made.stderr)
  const direct = await freePort()
  const server = ['-h', '127.0.0.1', '-p', String(direct), '-k', folder, '-c', 'fsync=off']
  const running = start('postgres', ['-D', data, ...server])
  await running.accepts(direct)
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  const at = (port: number) => ['-h', '127.0.0.1', '-p', String(port), '-U', 'test']
  const psql = async (port: number, sql: string, stdin?: string) => {
    const args = [...at(port), '--no-psqlrc', '--tuples-only', '--no-align', '-v', 'ON_ERROR_STOP=1', '-c', sql]
    return await run('psql', [...args, 'postgres'], { ...(stdin !== undefined && { stdin }) })
  }
  for (let ready = false; !ready; ) ready = (await psql(direct, 'select 1')).code === 0

  const rows = 'select n, md5(n::text) from generate_series(1, 100000) n'
  for (const sql of [
    'select version()',
    rows,
    `copy (${rows}) to stdout (format binary)`,
    'select 1 / 0',
    'nonsense'
  ]) {
    const { stdout } = await alike(t, ports, port => psql(port, sql))
    t.is(stdout.length === 0, /nonsense|1 \/ 0/.test(sql))
  }
  // The client sends megabytes, and the server answers with one line.
  const lines = Array.from({ length: 200_000 }, (_, at) => `${at}\tline ${at}\n`).join('')
  t.is((await psql(direct, 'create table loaded (n int, line text)')).code, 0)
  t.is((await psql(ports.tunnel, 'copy loaded from stdin', lines)).code, 0)
  const loaded = await psql(direct, 'copy (select * from loaded order by n) to stdout')
  t.is(loaded.stdout.toString(), lines)
  // Another connection cancels this query.
  const sleeping = psql(ports.tunnel, 'select pg_sleep(60)')
  const cancel = "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'"
  while ((await psql(ports.tunnel, cancel)).stdout.length === 0);
  t.regex((await sleeping).stderr, /canceling statement due to user request/)

  const filled = await run('pgbench', [...at(ports.tunnel), '--initialize', '--quiet', 'postgres'])
  t.is(filled.code, 0, filled.stderr)
  // `--connect`: a new connection for each transaction.
  for (const more of [
    ['--time', '4'],
    ['--connect', '--transactions', '20']
  ]) {
    const load = ['--client', '16', '--jobs', '2', '--no-vacuum', ...more]
    const { code, stdout, stderr } = await run('pgbench', [...at(ports.tunnel), ...load, 'postgres'])
    t.is(code, 0, stderr)
    t.regex(stdout.toString(), /number of failed transactions: 0 /)
    t.log(/tps = .*/.exec(stdout.toString())?.[0] ?? '')
  }
  const sums = 'select (select sum(abalance) from pgbench_accounts) - (select sum(delta) from pgbench_history)'
  t.is((await psql(direct, sums)).stdout.toString(), '0\n')
})

scene('redis-cli and redis-benchmark', ['redis-server', 'redis-benchmark', 'redis-cli'], async scene => {
  const { t, folder, run, start } = scene
  const direct = await freePort()
  const server = ['--port', String(direct), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  await start('redis-server', server).accepts(direct)
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  const cli = async (port: number, args: readonly string[], stdin: Uint8Array | string = '') =>
    await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...args], { stdin })

  // Sends all commands without waiting for the answers to earlier ones.
  const count = 100_000
  const commands = Array.from({ length: count }, (_, at) => `SET key:${at} ${'v'.repeat(1 + (at % 200))}\r\n`).join('')
  const piped = await cli(ports.tunnel, ['--pipe'], commands)
  t.is(piped.code, 0, piped.stderr)
  t.regex(piped.stdout.toString(), new RegExp(`errors: 0, replies: ${count}`))
  for (const args of [['DBSIZE'], ['GET', 'key:150'], ['KEYS', 'key:1*'], ['NONSENSE'], ['DEBUG', 'SLEEP', '0']]) {
    await alike(t, ports, async port => {
      const { code, stdout } = await cli(port, args)
      return { code, lines: stdout.toString().split('\n').sort() }
    })
  }
  t.is((await cli(ports.tunnel, ['-x', 'SET', 'large'], Buffer.alloc(20_000_000, 'redis'))).stdout.toString(), 'OK\n')
  t.is((await cli(ports.tunnel, ['STRLEN', 'large'])).stdout.toString(), '20000000\n')
  t.is((await cli(ports.tunnel, ['GET', 'large'])).stdout.length, 20_000_001)

  const load = ['-h', '127.0.0.1', '-p', String(ports.tunnel), '-t', 'set,get,lrange_100', '-n', '10000', '-c', '50']
  for (const pipeline of ['1', '32']) {
    const { code, stdout, stderr } = await run('redis-benchmark', [...load, '--csv', '-P', pipeline])
    t.is(code, 0, stderr)
    t.is(stderr, '')
    t.log(stdout.toString())
  }
})
