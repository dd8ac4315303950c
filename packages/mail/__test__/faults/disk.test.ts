import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { folder } from '../helpers/peers.js'

const namespace = ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=8m tmpfs "$1" && shift && exec "$@"', 'sh']

test('a full or read-only disk loses nothing, stores no partial message, and is used again after recovery', async t => {
  t.timeout(300_000)
  const path = await folder(t)
  const [full, other] = [join(path, 'full'), join(path, 'other')]
  for (const each of [full, other]) await mkdir(each)
  if (spawnSync('unshare', [...namespace, full, 'true']).status !== 0) {
    t.pass('SKIPPED: no mount namespaces here (Linux, with unshare -rm allowed)')
    return
  }
  const program = fileURLToPath(new URL('disk-program.js', import.meta.url))
  const args = [...namespace, full, process.execPath, '--disable-warning=ExperimentalWarning', program, full, other]
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 280_000 })
  t.is(status, 0, stderr)
  t.deepEqual(JSON.parse(stdout), {
    'send to a full disk': 'ERR_STORAGE',
    'left behind': [],
    'receive on a full disk': 'the message cannot be stored now',
    'half a message': [],
    'send to a read-only disk': 'ERR_STORAGE',
    'receive on a read-only disk': 'the message cannot be stored now',
    'after it was sent': 1,
    'at the end': ['Subject: x', 'Subject: y']
  })
})
