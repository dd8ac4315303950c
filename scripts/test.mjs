// npm test                 cargo tests, then ava; closes with 'N passed, N failed' over both
// npm test -- ARGUMENTS    ava only: files (__test__/unit/id52.test.ts) and ava's own options
import { spawn, spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { prebuilt, prepare } from './prepare.mjs'
import { hostTarget, needCargo, root, say, tool } from './util.mjs'

const given = process.argv.slice(2)
const total = { passed: 0, failed: 0 }

// The last line, also when the set-up ended the script.
process.on('exit', code => {
  if (code !== 0 && total.failed === 0) total.failed = 1
  console.log(`${total.passed} passed, ${total.failed} failed`)
})

await prepare({ examples: true, tests: true })
if (given.length === 0 && !prebuilt) {
  needCargo()
  await suite(
    'cargo',
    ['test', '--workspace', '--profile', 'dev-release', '--target', hostTarget(), '--no-fail-fast'],
    cargoCounts
  )
}
// A raw peer asks the router for ports: it runs where there is none.
const wire = given.some(argument => argument.includes('__test__/wire'))
if (!wire) await suite(process.execPath, [tool.ava, ...given.map(compiled)], avaCounts)
if (wire || given.length === 0) await wireSuite(wire ? given.map(compiled) : ['dist-test/wire/**'])

process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0

/** Runs ava in a network namespace that has loopback and nothing else. */
async function wireSuite(args) {
  const namespace = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  if (spawnSync('unshare', [...namespace, 'true']).status !== 0) {
    say('__test__/wire SKIPPED: it needs a network namespace of its own (Linux, with unshare -rn and ip allowed)')
    return
  }
  process.env.FASTN_NET_TEST_NAMESPACE = '1'
  await suite('unshare', [...namespace, process.execPath, tool.ava, ...args], avaCounts)
}

/** Runs one suite with its output shown, and adds what it counted. A suite that failed without a count is one failure. */
async function suite(command, args, counts) {
  const named = args.includes(tool.ava) ? ['ava', ...args.slice(args.indexOf(tool.ava) + 1)] : [command, ...args]
  say(named.join(' '))
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1', CARGO_TERM_COLOR: 'always' } : {}
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...colour }
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
    process.stdout.write(text)
  })
  const code = await new Promise(resolve => {
    child.once('error', () => resolve(1))
    child.once('close', resolve)
  })
  const { passed, failed } = counts(stripVTControlCharacters(output))
  total.passed += passed
  total.failed += code === 0 ? failed : Math.max(failed, 1)
}

/** One line for each test program: `test result: ok. 12 passed; 0 failed; …`. */
function cargoCounts(output) {
  const found = [...output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed;/gm)]
  return { passed: sum(found, 1), failed: sum(found, 2) }
}

/** A line for each test that passed, as ava counts these only when none failed; closing lines for what failed. */
function avaCounts(output) {
  const bad = /^ *(\d+) (?:tests? failed|tests? remained pending.*|uncaught exceptions?|unhandled rejections?)$/gm
  return {
    passed: [...output.matchAll(/^ {2}[✔√] /gm)].length,
    failed: sum([...output.matchAll(bad)], 1)
  }
}

function sum(found, group) {
  return found.reduce((all, match) => all + Number(match[group]), 0)
}

/** A test's source is how a person names it; ava runs what was made of it. */
function compiled(argument) {
  return argument.replace(/^(?:\.\/)?__test__\//, 'dist-test/').replace(/\.ts$/, '.js')
}
