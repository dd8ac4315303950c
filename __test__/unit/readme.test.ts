import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'

const root = new URL('../../', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...['docs/', 'docs/decisions/'].flatMap(folder =>
    readdirSync(new URL(folder, root))
      .filter(name => name.endsWith('.md'))
      .map(name => folder + name)
  )
]

for (const document of documents) {
  test(`every snippet in ${document} is a file in examples`, t => {
    const lines = text(document).split('\n')
    const starts = lines.flatMap((line, index) =>
      /^```(?:ts|js|mjs|typescript|javascript)\b/.test(line) ? [index] : []
    )
    for (const start of starts) {
      const path = /^<!-- (examples\/\S+) -->$/.exec(lines[start - 1] ?? '')?.[1]
      if (path === undefined) {
        t.fail(`${document}:${start + 1} names no file in the line above, as in <!-- examples/sender.ts -->`)
        continue
      }
      const end = lines.indexOf('```', start)
      t.is(`${lines.slice(start + 1, end).join('\n')}\n`, text(path), `${document} and ${path} differ`)
    }
    t.true(document !== 'README.md' || starts.length >= 3, 'README shows a receiver, a sender and plain JavaScript')
  })

  test(`every relative link in ${document} resolves`, t => {
    const links = [...text(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => match[1] ?? '')
    for (const link of links) {
      t.notThrows(() => readdirOrRead(new URL(link, new URL(document, root))), `${document} → ${link}`)
    }
    t.pass()
  })
}

test('every path in CONTRIBUTING.md exists', t => {
  const top = /^(?:src|crates|__test__|scripts|docs|npm|examples|\.github)\//
  const paths = [...text('CONTRIBUTING.md').matchAll(/`([\w./-]+\/[\w./-]*)`/g)].map(match => match[1] ?? '')
  const own = paths.filter(path => top.test(path))
  t.true(own.length > 30)
  for (const path of own) t.notThrows(() => readdirOrRead(new URL(path, root)), path)
})

test('docs/errors.md has every error code once, and no other', async t => {
  const { errorCodes } = await import('../../dist/modules/errors.js')
  const listed = [...text('docs/errors.md').matchAll(/^\| `(ERR_\w+)` \|/gm)].map(match => match[1] ?? '')
  t.deepEqual(listed.toSorted(), [...errorCodes].sort())
})

function readdirOrRead(url: URL): void {
  try {
    readFileSync(url)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
  }
}
