// The defaults in the docs equal those of the code.
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import ts from 'typescript'
import { limitDefaults, resolveOptions } from '../../dist/modules/endpoint/options.js'
import { native } from '../../dist/modules/native/addon.js'
import { defaults, endpointDefaults } from '../../dist/modules/settings.js'

const declarations = readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8')
const optionsOf = {
  EndpointOptions: limitDefaults(),
  Authorize: defaults.authorize,
  ConnectOptions: defaults.connect,
  ServeOptions: defaults.requests
}

for (const [name, values] of Object.entries(optionsOf)) {
  test(`the docs of ${name} name its defaults`, t => {
    const documented = documentedDefaults(name)
    const numbers = Object.entries(values).filter(
      ([option, value]) => typeof value === 'number' && documented.has(option)
    )
    t.true(numbers.length >= 3)
    for (const [option, value] of numbers) t.is(amount(documented.get(option)!), value, option)
  })

  test(`the docs of every numeric option of ${name} give a default`, t => {
    const undocumented = [...documentedDefaults(name)].filter(([, text]) => text === '').map(([option]) => option)
    t.deepEqual(undocumented, [])
  })
}

const url = new URL('../../crates/fastn-net/tests/golden/defaults.json', import.meta.url)
const golden = JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>

test('the defaults equal those of the Rust crate', t => {
  const own: Record<string, unknown> = { ...defaults, ...endpointDefaults }
  t.deepEqual(Object.fromEntries(Object.keys(golden).map(name => [name, own[name]])), golden)
})

test('every limit of the core can be set, and only those', t => {
  const names = Object.keys(resolveOptions({ network: 'loopback' }).binding.limits)
  t.deepEqual(names.sort(), Object.keys(native().limitDefaults()).sort())
})

const known: Readonly<Record<string, unknown>> = {
  ...endpointDefaults,
  ...defaults,
  ...defaults.requests,
  ...limitDefaults(),
  /** Of `call`, the only one that pages give without its call's own name. */
  timeout: defaults.callTimeout
}

test('TSDoc that repeats the default of the endpoint gives the right one', t => {
  const inherited = [...declarations.matchAll(/Default: the endpoint's `(\w+)`, ([\d.,]+(?: \w+)?)\./g)]
  t.true(inherited.length >= 4)
  for (const [text, option, value] of inherited) t.is<unknown, unknown>(amount(value!), known[option!], text)
})

test('every default in the docs is right', t => {
  const checked: string[] = []
  const check = (option: string, value: string, text: string) => {
    if (typeof known[option] !== 'number') return
    checked.push(text)
    t.is(amount(value), known[option], text)
  }
  for (const text of pages()) {
    // "(its `headerTimeout`, 10 s unless …)" and "64 KiB (`maxHeaderBytes`)".
    for (const [found, option, value] of text.matchAll(/`(\w+)`, (\d[\d,]*(?: \w+)?)(?= unless|\))/g))
      check(option!, value!, found)
    for (const [found, value, option] of text.matchAll(/(\d[\d,]*(?: (?:ms|s|KiB|MiB))?) \(`(\w+)`/g))
      check(option!, value!, found)
    // "| `maxConnections`, `maxConnectionsPerPeer` | 10,000, 64 |".
    for (const [row, options, values] of text.matchAll(/^\| (`[^|]*`[^|]*) \| (\d[^|]*) \|/gm))
      for (const [at, [, option]] of [...options!.matchAll(/`(\w+)`/g)].entries())
        check(option!, values!.split(', ')[at] ?? '', row)
    // A row of a table of defaults gives the option's name beside its number, or nothing compares the two.
    for (const [table] of text.matchAll(/^\| [^|]* \| default \|.*\n(?:\|.*\n)+/gm))
      for (const [row] of table.matchAll(/^\| [^|]* \| \d.*\|/gm))
        t.true(
          checked.some(found => row.includes(found)),
          `no default that a test knows: ${row}`
        )
  }
  t.true(checked.length >= 15)
})

/** README and the pages of `docs`. */
function pages(): string[] {
  const root = new URL('../../', import.meta.url)
  const names = readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' })
  const pages = names.filter(name => name.endsWith('.md')).map(name => `docs/${name}`)
  return ['README.md', ...pages].map(page => readFileSync(new URL(page, root), 'utf8'))
}

/** Text after "Default:" in the docs of an interface's numeric options, by option; '' if there is none. */
function documentedDefaults(name: string): Map<string, string> {
  const source = ts.createSourceFile('index.d.ts', declarations, ts.ScriptTarget.Latest, true)
  const found = source.statements.find(
    statement => ts.isInterfaceDeclaration(statement) && statement.name.text === name
  ) as ts.InterfaceDeclaration
  const defaults = new Map<string, string>()
  for (const member of found.members) {
    if (!ts.isPropertySignature(member) || !member.type?.getText().startsWith('number')) continue
    const [comment] = ts.getJSDocCommentsAndTags(member).map(node => ts.getTextOfJSDocComment(node.comment) ?? '')
    defaults.set(member.name.getText(), /Default: ([^.]+)/.exec(comment ?? '')?.[1] ?? '')
  }
  return defaults
}

/** Converts `30 s`, `64 KiB` or `1,024` to milliseconds, bytes or a count. */
function amount(text: string): number | undefined {
  const [, number, unit = ''] = /^([\d,]+)(?: (ms|s|KiB|MiB)\b)?/.exec(text) ?? []
  const factor = { '': 1, ms: 1, s: 1_000, KiB: 1_024, MiB: 1_048_576 }[unit]
  return number === undefined || factor === undefined ? undefined : Number(number.replaceAll(',', '')) * factor
}
