import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = new URL('../../', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')

const markdownIn = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter(name => name.endsWith('.md'))
    .map(name => folder + name)

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'packages/mail/README.md',
  ...['docs/', 'docs/contributing/', 'docs/decisions/', 'docs/guide/'].flatMap(markdownIn)
]

/** Lines of an example, or of one `#region` of it, as a document shows them. */
function snippet(path: string, region: string | undefined): string {
  const lines = text(path).trimEnd().split('\n')
  const isMarker = (line: string) => /^\s*\/\/ #(?:end)?region\b/.test(line)
  const first = region === undefined ? 0 : lines.findIndex(line => line.trim() === `// #region ${region}`) + 1
  if (region !== undefined && first === 0) throw new Error(`${path} has no region ${region}`)
  const length = region === undefined ? -1 : lines.slice(first).findIndex(line => line.trim() === '// #endregion')
  const shown = lines.slice(first, length === -1 ? undefined : first + length).filter(line => !isMarker(line))
  const indent = Math.min(...shown.filter(line => line !== '').map(line => line.length - line.trimStart().length))
  return shown.map(line => line.slice(indent)).join('\n')
}

for (const document of documents) {
  test(`every snippet in ${document} is a file in examples, or a region of one`, t => {
    const lines = text(document).split('\n')
    const starts = lines.flatMap((line, index) =>
      /^```(?:ts|js|mjs|typescript|javascript)\b/.test(line) ? [index] : []
    )
    for (const start of starts) {
      const [, path, region] =
        /^<!-- ((?:packages\/mail\/__test__\/)?examples\/[^\s#]+)(?:#(\S+))? -->$/.exec(lines[start - 1] ?? '') ?? []
      if (path === undefined) {
        t.fail(`${document}:${start + 1} names no file in the line above, as in <!-- examples/sender.ts -->`)
        continue
      }
      const end = lines.indexOf('```', start)
      t.is(lines.slice(start + 1, end).join('\n'), snippet(path, region), `${document} and ${path} differ`)
    }
    t.pass()
  })

  test(`every relative link in ${document} resolves`, t => {
    const links = [...text(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => match[1] ?? '')
    for (const link of links) {
      t.notThrows(() => readdirOrRead(new URL(link, new URL(document, root))), `${document} → ${link}`)
    }
    t.pass()
  })
}

test('a test runs each example', t => {
  const filesIn = (folder: string) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .map(name => folder + name.replaceAll('\\', '/'))
      .filter(name => /\.(?:ts|mjs)$/.test(name))
  const tests = filesIn('__test__/').map(text).join('\n')
  const examples = filesIn('examples/').map(path => ({ path, code: text(path) }))
  t.true(examples.length > 20)
  for (const { path } of examples) {
    const name = path.replace(/^examples\//, '').replace(/\.(?:ts|mjs)$/, '')
    const file = name.slice(name.lastIndexOf('/') + 1)
    const isRun = new RegExp(`(?:Example\\(\\s*'|examples/)${name}['".]`).test(tests)
    const isUsed = examples.some(({ code }) => new RegExp(`(?:from|program\\() ?'(?:\\./)?${file}\\.js'`).test(code))
    // A loop over names runs the adapters.
    const isAdapter = name.startsWith('adapters/') && new RegExp(`^  ${file}: `, 'm').test(tests)
    t.true(isRun || isUsed || isAdapter, `no test runs ${path}`)
  }
})

test('the plot and the table of docs/performance.md are those of the published results', t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const plot = join(folder, 'plot.svg')
  const script = fileURLToPath(new URL('bench/report.mjs', root))
  const results = fileURLToPath(new URL('bench/published.jsonl', root))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, '--in', results, '--base', 'iroh-rust', '--plot', plot],
    { encoding: 'utf8' }
  )
  t.is(status, 0, stderr)
  t.is(readFileSync(plot, 'utf8'), text('docs/images/performance.svg'), 'run node bench/report.mjs --plot')
  const rows = (table: string) =>
    table
      .split('\n')
      .filter(line => /^\| [^|]+ \| \**[\d.]+\** \|/.test(line))
      .map(line =>
        line
          .split('|')
          .slice(1, -1)
          .map(cell => cell.replaceAll('*', '').trim())
      )
  const reported = rows(stdout.slice(0, stdout.indexOf('Lowest to highest')))
  const shown = rows(text('docs/performance.md')).filter(([name]) => reported.some(([title]) => title === name))
  const figures = (cells: string[]) => cells.slice(1, 11).map(cell => Number(cell.replaceAll(',', '')))
  for (const [index, cells] of reported.entries()) {
    t.is(shown[index]?.[0], cells[0])
    t.deepEqual(figures(shown[index] ?? []), figures(cells), cells[0])
  }
})

test('every path in CONTRIBUTING.md and docs/contributing exists', t => {
  const top = /^(?:src|crates|packages|__test__|scripts|docs|npm|examples|\.github)\//
  const pages = ['CONTRIBUTING.md', ...markdownIn('docs/contributing/')].map(text).join('\n')
  const paths = [...pages.matchAll(/`([\w./-]+\/[\w./-]*)`/g)].map(match => match[1] ?? '')
  const own = paths.filter(path => top.test(path))
  t.true(own.length > 80)
  for (const path of own) t.notThrows(() => readdirOrRead(new URL(path, root)), path)
})

test('every source file that a page names exists', t => {
  const tests = ['unit', 'contract', 'cli', 'types', 'model', 'soak', 'leaks', 'memory'].map(
    folder => `__test__/${folder}`
  )
  const packages = readdirSync(new URL('packages', root)).map(name => `packages/${name}/src`)
  const files = ['src', 'crates', 'models', 'scripts', 'examples', ...packages, ...tests].flatMap(folder =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(
      name => `/${folder}/${name.replaceAll('\\', '/')}`
    )
  )
  let count = 0
  for (const page of documents)
    for (const [, path] of text(page).matchAll(/`([\w./-]*\w+\.(?:rs|ts))`/g)) {
      count++
      t.true(files.some(file => file.endsWith(`/${path}`)) || path?.endsWith('.d.ts'), `${page}: ${path}`)
    }
  t.true(count > 100)
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
