import ava from 'ava'
import { cli, eventsOf } from './support/cli.js'
import { dnsServer } from './support/dns-server.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
const other = 'e87aeds2fajaeu10tjdio5ppcdha410n6tu4665u7el9as9b7v80'

const answers = {
  'one.test': [[`malai=${id52}`]],
  'many.test': [['v=spf1 -all'], [`fastn=${other}`], [`malai=${id52}`], [`malai=${other}`]],
  'split.test': [['malai=', id52.slice(0, 20), id52.slice(20)]],
  'wrong.test': [['malai=nobody']],
  'empty.test': [],
  'broken.test': { code: 2 },
  'silent.test': 'silence'
} as const

test('resolve prints the ID52 of the first record of the scope', async t => {
  const dns = await dnsServer(t, answers)
  for (const domain of ['one.test', 'many.test', 'split.test']) {
    const { code, lines, stderr } = await cli(['resolve', domain, 'malai', '--dns', dns])
    t.deepEqual({ code, lines, stderr }, { code: 0, lines: [id52], stderr: '' }, domain)
  }
  const end = await cli(['resolve', 'many.test', 'fastn', '--dns', dns, '--json'])
  t.deepEqual(eventsOf(end), [{ event: 'resolved', domain: 'many.test', scope: 'fastn', id52: other }])
})

test('resolve describes the fault of a domain', async t => {
  const dns = await dnsServer(t, answers)
  const messages: Record<string, RegExp> = {
    'absent.test': /the domain does not exist/,
    'empty.test': /no TXT records/,
    'wrong.test': /contains no ID52/,
    'broken.test': /the DNS server failed/,
    'silent.test': /the DNS server does not answer/
  }
  for (const [domain, message] of Object.entries(messages)) {
    const end = await cli(['resolve', domain, 'malai', '--dns', dns, '--timeout', '1s', '--json'])
    t.is(end.code, 1, domain)
    const [event] = eventsOf(end)
    t.like(event, { event: 'error', code: 'ERR_RESOLVE' })
    t.regex(String(event?.message), message)
  }
  t.regex((await cli(['resolve', 'one.test', 'rig', '--dns', dns])).stderr, /one\.test has no TXT record rig=ID52/)
})

test('resolve rejects a server that is not an address', async t => {
  const { code, stderr } = await cli(['resolve', 'one.test', 'malai', '--dns', 'dns.test'])
  t.is(code, 2)
  t.regex(stderr, /--dns must be an address/)
})
