import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava from 'ava'
import { cli, folderFor } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const hasBash = spawnSync('bash', ['--version']).status === 0

/** What bash offers for a command line. Its last word is the one to complete. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await cli(['completions', 'bash'])
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-completions-'))
  try {
    writeFileSync(join(folder, 'a file'), '')
    // `compopt` works only during a completion.
    const script = `compopt() { :; }\n${stdout}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_fastn_net\nprintf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout: printed, stderr } = spawnSync('bash', ['-c', script, 'bash', 'fastn-net', ...words], {
      encoding: 'utf8',
      cwd: folder
    })
    if (stderr !== '') throw new Error(stderr)
    return printed.split('\n').filter(line => line !== '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('bash completes commands, options, choices and files', async t => {
  if (!hasBash) return void t.pass()
  t.deepEqual(await offered('pin'), ['ping'])
  t.deepEqual(await offered('ping', '--c'), ['--count'])
  t.deepEqual(await offered('ping', '--network', 'l'), ['lan', 'loopback'])
  t.deepEqual(await offered('completions', ''), ['bash', 'zsh', 'fish'])
  t.deepEqual(await offered('id', '--key', 'a'), ['a file'])
  t.deepEqual(await offered('ping', '--count', ''), [])
})

for (const shell of ['zsh', 'fish'])
  test(`the completions of ${shell} have every option of ping, and ${shell} can read them`, async t => {
    const { code, stdout } = await cli(['completions', shell])
    t.is(code, 0)
    const script = stdout.toString()
    for (const option of ['count', 'interval', 'network', 'relay', 'json']) t.true(script.includes(option))
    const file = join(folderFor(t), 'script')
    writeFileSync(file, script)
    const { error, status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    if (error === undefined) t.is(status, 0, stderr)
  })

test('an unknown shell is a usage error', async t => {
  t.is((await cli(['completions', 'tcsh'])).code, 2)
})
