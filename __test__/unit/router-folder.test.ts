// Served folders that other programs change.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { entriesOf, openFile } from '../../dist/modules/router/folder/entries.js'
import { FolderHandler } from '../../dist/modules/router/folder/handler.js'
import { listingPage } from '../../dist/modules/router/folder/listing.js'

test('a folder that became a link after it was examined is not followed', async t => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'fastn-net-')))
  t.teardown(() => rmSync(base, { recursive: true }))
  const root = join(base, 'site')
  for (const folder of ['secret', 'site/real']) {
    mkdirSync(join(base, folder), { recursive: true })
    writeFileSync(join(base, folder, 'a.txt'), folder)
  }
  symlinkSync(join(base, 'secret'), join(root, 'swapped'), 'junction')
  t.is(await openFile(root, ['swapped', 'a.txt']), undefined)
  const file = await openFile(root, ['real', 'a.txt'])
  t.is(await file?.handle.readFile('utf8'), 'site/real')
  await file?.handle.close()
  t.is(await entriesOf(root, ['swapped'], false), undefined)
  symlinkSync(base, join(root, 'up'), 'junction')
  t.is(await entriesOf(root, ['up', 'secret'], false), undefined)
  t.deepEqual(
    (await entriesOf(root, ['real'], false))?.entries.map(({ name }) => name),
    ['a.txt']
  )
})

if (process.platform !== 'win32') {
  test('a listing has no name of a folder outside, however fast a link takes its place', async t => {
    const base = realpathSync(mkdtempSync(join(tmpdir(), 'fastn-net-')))
    for (const folder of ['outside', 'site/here']) mkdirSync(join(base, folder), { recursive: true })
    writeFileSync(join(base, 'outside', 'secret-name'), '')
    for (let at = 0; at < 200; at++) writeFileSync(join(base, 'site', 'here', `public-name-${at}`), '')
    const swapping = spawn(process.execPath, ['-e', swaps, join(base, 'site', 'here'), join(base, 'outside')])
    t.teardown(async () => {
      const ended = once(swapping, 'exit')
      swapping.kill('SIGKILL')
      await ended
      rmSync(base, { recursive: true })
    })
    await once(swapping.stdout, 'data')
    const folder = new FolderHandler(join(base, 'site'), { hasHidden: true, hasListing: true })
    let listings = 0
    let failures = 0
    for (let round = 0; round < 1_000 || listings === 0; round++) {
      const response = await folder.handle(new Request('http://peer/here/'), 'peer')
      const body = await response.text()
      t.false(body.includes('secret-name'))
      if (body.includes('public-name')) listings++
      else failures++
    }
    t.log(`${listings} listings, ${failures} others`)
  })
}

/** Replaces a folder with a link, and the link with the folder, forever. */
const swaps = `
const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
const [folder, outside] = process.argv.slice(1)
console.log('ready')
for (;;) {
  renameSync(folder, folder + '.away')
  symlinkSync(outside, folder)
  unlinkSync(folder)
  renameSync(folder + '.away', folder)
}`

test('a listing omits a time that JavaScript cannot represent', t => {
  const entry = { name: 'old', isFolder: false, size: 1, changed: 9e15 }
  t.regex(listingPage([], [entry], false), /old<\/a><\/td><td>[^<]+<\/td><td><\/td>/)
})
