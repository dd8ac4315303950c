// The package uses nothing on import, and on loopback only sockets of 127.0.0.1.
import test from 'ava'
import { Program } from '../helpers/program.js'

const linux = process.platform === 'linux' ? test : test.skip

linux('importing starts no thread, opens no socket and loads no addon', async t => {
  const { code, lines, stderr } = await new Program('import').ended
  t.is(stderr, '')
  t.is(code, 0)
  const { before, after } = JSON.parse(lines[0]!)
  t.deepEqual(after, before)
  t.false(after.addons)
})

linux(
  'a loopback endpoint opens no socket but on 127.0.0.1, joins no multicast group, and closes what it opened',
  async t => {
    const { lines } = await new Program('import').ended
    const open = JSON.parse(lines[1]!)
    t.true(open.joined)
    t.true(open.addresses.length >= 2)
    t.deepEqual([...new Set(open.addresses)], ['udp 0100007F'])
    t.is(lines[2], 'closed')
  }
)
