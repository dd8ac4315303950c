import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import ava from 'ava'
import { cli, cliFile, eventsOf } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const commands = [
  'keygen',
  'id',
  'resolve',
  'ping',
  'listen',
  'send',
  'receive',
  'tcp',
  'tcp-bridge',
  'pipe',
  'doctor',
  'completions'
]

test('--version prints the version', async t => {
  for (const flag of ['--version', '-V']) {
    const { code, lines, stderr } = await cli([flag])
    t.deepEqual({ code, lines, stderr }, { code: 0, lines: [version], stderr: '' })
  }
})

test('help prints the same as --help', async t => {
  for (const [words, flags] of [
    [['help'], ['--help']],
    [
      ['help', 'ping'],
      ['ping', '--help']
    ],
    [
      ['help', 'rig', 'run'],
      ['rig', 'run', '--help']
    ]
  ] as const) {
    const [told, expected] = [await cli(words), await cli(flags)]
    t.is(told.code, 0)
    t.is(told.stdout.toString(), expected.stdout.toString())
  }
  t.regex((await cli(['help', 'pign'])).stderr, /unknown command 'pign'\. Did you mean 'ping'\?/)
})

test('--help lists every command, on stdout and without escape sequences', async t => {
  const { code, lines, stderr } = await cli(['--help'])
  t.is(code, 0)
  t.is(stderr, '')
  for (const name of commands) t.true(lines.some(line => line.startsWith(`  ${name} `)))
  t.false(lines.join('').includes('\u001b'))
})

for (const name of commands)
  test(`${name} --help has examples and the common options`, async t => {
    const { code, lines, stderr } = await cli([name, '--help'])
    t.is(code, 0)
    t.is(stderr, '')
    const examples = lines.indexOf('Examples:')
    t.true(examples > 0)
    t.true(lines.slice(examples).some(line => line.includes(`fastn-net ${name}`)))
    for (const option of ['--json', '--quiet', '--log', '--help']) t.true(lines.some(line => line.includes(option)))
  })

const wrong: Record<string, [string[], RegExp]> = {
  'no command': [[], /Usage: fastn-net COMMAND/],
  'an unknown command': [['pign'], /unknown command 'pign'\. Did you mean 'ping'\?/],
  'an option before the command': [['--key', 'x', 'id'], /options go after the command/],
  'an unknown option': [['id', '--keyy', 'x'], /unknown option '--keyy'\. Did you mean '--key'\?/],
  'an unknown short option': [['id', '-x'], /unknown option '-x'/],
  'an option named like a member of objects': [['id', '--constructor'], /unknown option '--constructor'/],
  'a missing value': [['id', '--key'], /option '--key' needs a value: --key FILE/],
  'an option in place of a value': [['id', '--key', '--json2'], /option '--key' needs a value/],
  'a value that an option does not take': [['id', '--quiet=yes'], /option '--quiet' takes no value/],
  'an option given twice': [['id', '--key', 'a', '--key', 'b'], /option '--key' was given twice/],
  'a value outside the choices': [
    ['ping', 'x', '--network', 'wan'],
    /one of internet, lan, loopback.*Did you mean 'lan'/
  ],
  'a missing argument': [['ping'], /argument PEER is missing/],
  'an extra argument': [['ping', 'a', 'b'], /unexpected argument 'b'/],
  'a time without a number': [['ping', 'x', '--timeout', 'soon'], /--timeout must be a time such as/],
  'a count with a fraction': [['ping', 'x', '--count', '1.5'], /--count must be a whole number/],
  'a port above 65535': [['tcp-bridge', 'x', '99999'], /PORT must be a port from 0 to 65535/],
  'a proxy without destinations': [['proxy-remote', '--public'], /Name each destination with --target RULE/],
  'a relay that is no URL': [['ping', 'x', '--relay', 'here'], /--relay must be a URL/],
  'a bad peer': [['ping', 'i66fo'], /ID52 \(52 characters\)/],
  'a bad log filter': [['id', '--log', 'a=b=c'], /--log: /]
}
for (const [what, [args, message]] of Object.entries(wrong)) {
  test(`${what} is a usage error, with status 2`, async t => {
    const { code, lines, stderr } = await cli(args)
    t.is(code, 2, stderr)
    t.deepEqual(lines, [])
    t.regex(stderr, message)
    // With --json, it is one object.
    const end = await cli([...args, '--json'])
    t.is(end.code, 2)
    t.is(end.stderr, '')
    const [event, ...others] = eventsOf(end)
    t.deepEqual(others, [])
    t.is(event?.event, 'error')
    t.regex(String(event?.code), /^ERR_(USAGE|PEER_ADDRESS)$/)
  })
}

test('an escape sequence in an argument does not reach the terminal', async t => {
  const { stderr } = await cli(['id', '--\u001b[2J'])
  t.false(stderr.includes('\u001b'))
})

test('a full disk at stdout is a failure, even of --version and --help', async t => {
  if (process.platform !== 'linux') return void t.pass()
  for (const args of [['--version'], ['--help'], ['ping', '--help'], ['completions', 'bash']]) {
    const { code, stderr } = await cli(args, { before: ['sh', '-c', 'exec "$@" > /dev/full', 'sh'] })
    t.is(code, 1, args.join(' '))
    t.regex(stderr, /cannot write to stdout: ENOSPC/)
  }
})

test('a reader of stdout that stops early ends the program without an error', t => {
  if (process.platform === 'win32') return void t.pass()
  const line = `'${process.execPath}' '${cliFile}' --help; echo "status $?" >&2`
  const { stderr } = spawnSync('bash', ['-c', `{ sleep 1; ${line}; } | true`], { encoding: 'utf8' })
  t.regex(stderr, /^status (0|141)\n$/)
})
