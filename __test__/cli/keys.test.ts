import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { cli, eventsOf, folderFor } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const secret = '100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25'
const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

test('keygen prints a secret key, and its ID52 to stderr', async t => {
  const { code, lines, stderr } = await cli(['keygen'])
  t.is(code, 0)
  t.regex(lines.join('\n'), /^[0-9a-f]{64}$/)
  const shown = await cli(['id'], { env: { FASTN_SECRET_KEY: lines[0] } })
  t.is(stderr, `ID52: ${shown.lines[0]}\n`)
})

test('keygen --file writes a file of its owner only, and id reads it', async t => {
  const folder = folderFor(t)
  const made = await cli(['keygen', '--file', 'my.key'], { cwd: folder })
  t.is(made.code, 0, made.stderr)
  t.deepEqual(readdirSync(folder), ['my.key'])
  if (process.platform !== 'win32') t.is(statSync(join(folder, 'my.key')).mode & 0o777, 0o600)
  const read = await cli(['id', '--key', 'my.key'], { cwd: folder })
  t.deepEqual(read.lines, made.lines)
})

test('keygen never overwrites a file, and leaves no other file', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'my.key'), 'precious')
  const { code, lines, stderr } = await cli(['keygen', '--file', 'my.key'], { cwd: folder })
  t.is(code, 1)
  t.deepEqual(lines, [])
  t.regex(stderr, /'my\.key': it exists, .* never overwritten\. To print its ID52: fastn-net id --key my\.key$/m)
  t.is(readFileSync(join(folder, 'my.key'), 'utf8'), 'precious')
  t.deepEqual(readdirSync(folder), ['my.key'])
})

test('keygen into a missing folder fails', async t => {
  const end = await cli(['keygen', '--file', 'no/such/folder/my.key', '--json'], { cwd: folderFor(t) })
  t.is(end.code, 1)
  t.like(eventsOf(end), [{ event: 'error', code: 'ERR_KEY_STORE' }])
})

test('the key of keygen --file .fastn.secret-key is the key of its folder', async t => {
  const folder = folderFor(t)
  const made = await cli(['keygen', '-f', '.fastn.secret-key', '--json'], { cwd: folder })
  const [{ id52: mine } = { id52: '' }] = eventsOf(made)
  t.deepEqual((await cli(['id'], { cwd: folder })).lines, [String(mine)])
})

test('id reads a secret key from the environment, a file and stdin', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'my.key'), `${secret}\n`)
  const calls = [
    cli(['id'], { env: { FASTN_SECRET_KEY: secret } }),
    cli(['id', '--key', join(folder, 'my.key')]),
    cli(['id', '--key', '-'], { stdin: `${secret}\n` })
  ]
  for (const { code, lines, stderr } of await Promise.all(calls))
    t.deepEqual({ code, lines, stderr }, { code: 0, lines: [id52], stderr: '' })
})

test('id converts a public key, and prints no secret', async t => {
  const end = await cli(['id', id52.toUpperCase(), '--json'])
  const hex = '9188fc1468abeb45c56d8f58c2db6ac85c8bcd33e57f3dbff9150916858b4e86'
  const [event] = eventsOf(end)
  t.is(event?.id52, id52)
  t.is(String(event?.hex).length, hex.length)
  t.deepEqual((await cli(['id', String(event?.hex)])).lines, [id52])
})

test('the error of a missing, an invalid and a special key file is one sentence', async t => {
  const folder = folderFor(t)
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'wrong.key'), 'not a key')
  const messages: Record<string, RegExp> = {
    'none.key': /ENOENT\. To create it: fastn-net keygen --file none\.key\n$/,
    "my mum's.key": /ENOENT\. To create it: fastn-net keygen --file 'my mum'\\''s\.key'\n$/,
    'wrong.key': /contains no secret key: 64 hex digits are expected\n$/,
    folder: /not a regular file|EISDIR/
  }
  for (const [file, message] of Object.entries(messages)) {
    const { code, stderr } = await cli(['id', '--key', file], { cwd: folder })
    t.is(code, 1)
    t.regex(stderr, message)
  }
})

test('without a key, id says how to create one', async t => {
  const { code, stderr } = await cli(['id'], { cwd: folderFor(t) })
  t.is(code, 1)
  t.regex(stderr, /no key found\. To create one: fastn-net keygen/)
})
