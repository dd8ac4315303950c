// Runs test suites and counts their results. Every test command ends with 'N passed, N failed'.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { cache, root, say, tool } from './util.mjs'

const total = { passed: 0, failed: 0 }

/** Prints the count as the last line on exit, even if the set-up fails. Zero passed tests is a failure. */
export function closeWithCount() {
  process.on('exit', code => {
    if (total.failed === 0 && (code !== 0 || total.passed === 0)) total.failed = 1
    if (total.failed > 0) process.exitCode ||= 1
    console.log(`${total.passed} passed, ${total.failed} failed`)
  })
}

/**
 * Runs one suite, shows its output and adds its counts. A suite that fails without a count counts as one failure. Kills the program if
 * it has not ended after `minutes`.
 */
export async function suite(command, args, counts, minutes, cwd = root) {
  const { output, code } = await shown(command, args, minutes, cwd)
  const { passed, failed } = counts(output)
  count({ passed, failed: code === 0 ? failed : Math.max(failed, 1) })
}

/** Adds counts. */
export function count({ passed, failed }) {
  total.passed += passed
  total.failed += failed
}

/** Runs a program and shows its output, which it returns. */
async function shown(command, args, minutes, cwd) {
  const named = args.includes(tool.ava) ? ['ava', ...args.slice(args.indexOf(tool.ava) + 1)] : [command, ...args]
  say(named.join(' '))
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1', CARGO_TERM_COLOR: 'always' } : {}
  const child = spawn(command, args, {
    cwd,
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
    if (minutes === undefined) return
    const limit = setTimeout(() => {
      say(`${named[0]} has not ended after ${minutes} minutes`)
      child.kill('SIGKILL')
    }, minutes * 60_000)
    child.once('close', () => clearTimeout(limit))
  })
  return { output: stripVTControlCharacters(output), code }
}

/** Parses cargo's line for each test program: `test result: ok. 12 passed; 0 failed; …`. */
export function cargoCounts(output) {
  const found = [...output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed;/gm)]
  return { passed: sum(found, 1), failed: sum(found, 2) }
}

/**
 * Runs ava, prefixed with the command `before`, and adds ava's own counts. `node` is the program that runs ava, `cwd` the folder of its
 * configuration.
 */
export async function avaSuite(args, before = [], options = {}) {
  const { passed, failed, code } = await runAva(args, before, options)
  count({ passed, failed: code === 0 ? failed : Math.max(failed, 1) })
}

/** Like {@link avaSuite}, but returns the counts. */
export async function runAva(args, before, { node = process.execPath, cwd = root } = {}) {
  const file = join(cache, 'ava-counts.json')
  mkdirSync(cache, { recursive: true })
  rmSync(file, { force: true })
  process.env.FASTN_NET_TEST_COUNTS = file
  const [command, ...rest] = [...before, node, tool.ava, ...args]
  const { code } = await shown(command, rest, undefined, cwd)
  return { ...avaCounts(file), code }
}

/** Reads the counts that ava.config.js wrote. Zero if ava did not get that far. */
function avaCounts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0 }
  const stats = JSON.parse(readFileSync(file, 'utf8'))
  const bad = [
    'failedTests',
    'failedHooks',
    'remainingTests',
    'uncaughtExceptions',
    'unhandledRejections',
    'internalErrors',
    'unexpectedProcessExits'
  ]
  return { passed: stats.passedTests, failed: bad.reduce((all, name) => all + stats[name], 0) }
}

/** Parses the count of a program that prints it in this form. */
export function ownCount(output) {
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? []
  return { passed: Number(passed ?? 0), failed: Number(failed ?? 0) }
}

function sum(found, group) {
  return found.reduce((all, match) => all + Number(match[group]), 0)
}
