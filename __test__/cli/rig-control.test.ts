// Commands reach the rig that runs in a home, regardless of the session or program that started it.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { startRig } from 'fastn-net/rig'
import { type CliEvent, cli, eventsOf, folderFor } from './support/cli.js'
import { rig, rigHome, runRig } from './support/rig.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** Environment of another session, which shares no folder of running programs with the test. */
function session(t: ExecutionContext): Record<string, string | undefined> {
  return { XDG_RUNTIME_DIR: undefined, TMPDIR: folderFor(t), TEMP: undefined }
}

async function from(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  ...args: string[]
): Promise<CliEvent | undefined> {
  return eventsOf(await cli(['rig', ...args, '--home', home, '--json'], { env }))[0]
}

test('commands of another session find the rig by its home', async t => {
  const home = await rigHome(t)
  const { program } = await runRig(t, home, { XDG_RUNTIME_DIR: folderFor(t) })
  const env = session(t)
  t.like(await from(env, home, 'status'), { event: 'rig', running: true })
  t.like(await from(env, home, 'invite', 'alice'), { event: 'invitation' })
  await from(env, home, 'create-account', 'work')
  t.like(await from(env, home, 'set-online', 'work', 'true'), { event: 'online', applied: true })
  if (process.platform !== 'win32') {
    for (const name of ['control.json', 'control.sock'])
      t.is(statSync(join(home, 'rig', name)).mode & 0o777, 0o600, name)
  }
  program.kill('SIGTERM')
  await program.ended
  for (const name of ['control.json', 'control.sock']) t.false(existsSync(join(home, 'rig', name)), name)
  t.like(await from(env, home, 'status'), { event: 'rig', running: false })
  t.like(await from(env, home, 'invite', 'alice'), { event: 'error', code: 'ERR_NOT_RUNNING' })
})

test('commands find a rig that status cannot list, because another user could write to its folder', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = folderFor(t)
  mkdirSync(join(folder, `fastn-net-${process.getuid?.()}`))
  chmodSync(join(folder, `fastn-net-${process.getuid?.()}`), 0o777)
  const env = { XDG_RUNTIME_DIR: '', TMPDIR: folder }
  const home = await rigHome(t)
  await runRig(t, home, env)
  t.like(await from(env, home, 'status'), { event: 'rig', running: true })
  t.like(await from(env, home, 'invite', 'alice'), { event: 'invitation' })
})

test('a home with a path too long for a socket has it elsewhere', async t => {
  if (process.platform === 'win32') return void t.pass()
  const home = join(folderFor(t), 'a'.repeat(100), 'rig')
  await from({}, home, 'init')
  writeFileSync(join(home, 'rig.toml'), '')
  const { program } = await runRig(t, home)
  t.like(await from(session(t), home, 'status'), { event: 'rig', running: true })
  const { socket } = JSON.parse(readFileSync(join(home, 'rig', 'control.json'), 'utf8'))
  t.true(existsSync(socket))
  program.kill('SIGTERM')
  await program.ended
  t.false(existsSync(join(socket, '..')))
})

test('leftovers of a killed rig do not count as running, and do not block commands of the next one', async t => {
  const home = await rigHome(t)
  const { program } = await runRig(t, home)
  program.kill('SIGKILL')
  await program.ended
  t.true(existsSync(join(home, 'rig', 'control.json')))
  t.like(await from({}, home, 'status'), { event: 'rig', running: false })
  t.like(await from({}, home, 'invite', 'alice'), { event: 'error', code: 'ERR_NOT_RUNNING' })
  await runRig(t, home)
  t.like(await from({}, home, 'invite', 'alice'), { event: 'invitation' })
})

test('a rig without commands is reported with its process', async t => {
  const home = await rigHome(t)
  const running = await startRig({ network: 'loopback' }, { home })
  t.teardown(() => running.close({ timeout: 0 }))
  for (const command of [['status'], ['invite', 'alice']]) {
    const [error] = await rig(home, ...command)
    t.like(error, { event: 'error', code: 'ERR_CONTROL', pid: process.pid })
    t.regex(
      String(error?.message),
      new RegExp(`runs as process ${process.pid}, since \\d{4}-.*, but it takes no commands`)
    )
  }
  t.like((await rig(home, 'set-current', 'rig'))[0], { event: 'current', applied: false })
})
