// On a full disk, commands name the file and leave the home unchanged.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { cli, eventsOf } from './support/cli.js'
import { rig, rigHome } from './support/rig.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

test('a command that cannot write names the file and changes nothing', async t => {
  if (process.platform === 'win32') return void t.pass()
  const home = await rigHome(t)
  const state = join(home, 'rig', 'state.json')
  const accounts = readdirSync(join(home, 'accounts'))
  const before = readFileSync(state, 'utf8')
  // Every write to a file fails, like on a full disk.
  const full = { before: ['sh', '-c', 'ulimit -f 0 && exec "$@"', 'sh'] }
  const create = await cli(['rig', 'create-account', 'work', '--home', home, '--json'], full)
  t.like(eventsOf(create)[0], { event: 'error' })
  t.deepEqual(readdirSync(join(home, 'accounts')), accounts)
  const online = eventsOf(await cli(['rig', 'set-online', 'rig', 'false', '--home', home, '--json'], full))[0]
  t.like(online, { event: 'error', code: 'ERR_FILE' })
  t.true(String(online?.message).includes(state), String(online?.message))
  t.is(readFileSync(state, 'utf8'), before)
  t.deepEqual(
    readdirSync(join(home, 'rig')).filter(name => name.endsWith('.new')),
    []
  )
  t.like((await rig(home, 'create-account', 'work'))[0], { event: 'account', name: 'work' })
})
