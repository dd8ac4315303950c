// `folder`: what other programs change while it serves.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openFile } from '../../dist/modules/cli/folder/entries.js'
import { listingPage } from '../../dist/modules/cli/folder/listing.js'

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
})

test('a time that JavaScript has not is left out of a listing', t => {
  const entry = { name: 'old', isFolder: false, size: 1, changed: 9e15 }
  t.regex(listingPage([], [entry], false), /old<\/a><\/td><td>[^<]+<\/td><td><\/td>/)
})
