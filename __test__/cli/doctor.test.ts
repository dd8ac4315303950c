import { spawnSync } from 'node:child_process'
import ava from 'ava'
import { cli, eventsOf, folderFor } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

test('doctor checks the features of loopback, and skips the rest', async t => {
  const end = await cli(['doctor', '--json'], { cwd: folderFor(t) })
  t.is(end.code, 0, end.stdout.toString())
  const events = eventsOf(end)
  const statuses = Object.fromEntries(
    events.filter(({ event }) => event === 'check').map(({ name, status }) => [name, status])
  )
  t.deepEqual(statuses, {
    addon: 'ok',
    key: 'ok',
    sockets: 'ok',
    loopback: 'ok',
    relay: 'skipped',
    nat: 'skipped',
    'look-up': 'skipped',
    clock: 'skipped',
    endpoint: 'ok'
  })
  t.deepEqual(events.at(-1), { event: 'done', ok: true })
})

test('doctor describes the fault of a key, and exits with 1', async t => {
  const { code, lines } = await cli(['doctor'], { env: { FASTN_SECRET_KEY: 'not a key' } })
  t.is(code, 1)
  t.true(lines.some(line => /^fail {4}key {6}/.test(line)))
})

/** Runs a program in a network namespace with loopback only: an endpoint on the internet sends to the local network. */
const alone = ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

test('without a relay, doctor fails and says what to do', async t => {
  const [command = '', ...args] = alone
  // Linux with network namespaces only.
  if (spawnSync(command, [...args, 'true']).status !== 0) return void t.pass()
  const relay = ['--network', 'internet', '--relay', 'http://127.0.0.1:1', '--timeout', '500ms']
  const end = await cli(['doctor', '--json', ...relay], { cwd: folderFor(t), before: alone })
  t.is(end.code, 1)
  const found = eventsOf(end).find(({ name }) => name === 'relay')
  t.like(found, { status: 'fail' })
  t.is(found?.detail, 'no relay was reached within 0.5 s')
  t.regex(String(found?.advice), /--relay/)
})
