// FASTN_NET_LOG and loggers over the life of a process.
import test from 'ava'
import { Program, quiet } from '../helpers/program.js'

const run = (what: string, filter?: string) => {
  const { FASTN_NET_LOG: _, ...env } = process.env
  return new Program({ name: 'log', env: filter === undefined ? env : { ...env, FASTN_NET_LOG: filter } }, what).ended
}

for (const what of ['quiet', 'exit', 'worker']) {
  test(`nothing is printed by default: ${what}`, async t => {
    t.deepEqual(await run(what), quiet('hello'))
    t.deepEqual(await run(what, ''), quiet('hello'))
    t.deepEqual(await run(what, 'off'), quiet('hello'))
  })

  test(`FASTN_NET_LOG prints to stderr, not to stdout: ${what}`, async t => {
    const { code, lines, stderr } = await run(what, 'fastn_net=trace')
    t.is(code, 0)
    t.deepEqual(lines, ['hello'])
    for (const each of [/ INFO fastn_net::endpoint: bound endpoint=/, /TRACE fastn_net::stream: acknowledged peer=/])
      t.regex(stderr, each)
    t.notRegex(stderr, /iroh::|noq::|Warning/)
    // Includes the last event at process.exit(), when JavaScript no longer runs.
    if (what !== 'exit') t.regex(stderr, /fastn_net::endpoint: closed endpoint=/)
  })
}

test("a peer's text is printed on one line, without control characters", async t => {
  const { code, stderr } = await run('hostile', 'trace')
  t.is(code, 0)
  t.true(stderr.includes('\\u{1b}[2J'), 'the reason was printed')
  // Newlines separate the events.
  t.notRegex(stderr, /[^\P{Cc}\n]/u)
  t.notRegex(stderr, /^ERROR forged/m)
})

test('an invalid part of FASTN_NET_LOG causes one warning that names it, and the other parts apply', async t => {
  const { code, lines, stderr } = await run('quiet', 'warn,fastn_net::endpoint=loud,fastn_net=info')
  t.is(code, 0)
  t.deepEqual(lines, ['hello'])
  t.is(
    stderr.match(/\[ERR_INVALID_ARGUMENT\] FastnNetWarning: FASTN_NET_LOG: .*"fastn_net::endpoint=loud"/g)?.length,
    1
  )
  t.regex(stderr, /INFO fastn_net::connection: opened peer=/)
})

test('a logger does not keep the process alive, and receives the last records', async t => {
  t.deepEqual(await run('idle logger'), quiet('set'))
  t.deepEqual(await run('logger at exit'), quiet('hello', '2'))
})

test('each thread has its own logger, which ends with it', async t => {
  t.deepEqual(await run('workers'), quiet('hello'))
})
