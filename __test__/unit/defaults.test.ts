// The defaults in the docs equal those of the code.
import { readFileSync } from 'node:fs'
import test from 'ava'
import ts from 'typescript'
import { resolveOptions } from '../../dist/modules/endpoint/options.js'
import { defaults } from '../../dist/modules/settings.js'

const declarations = readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8')
const optionsOf = {
  EndpointOptions: defaults,
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
  const same = Object.fromEntries(Object.keys(golden).map(name => [name, Reflect.get(defaults, name) as unknown]))
  t.deepEqual(same, golden)
})

test('every limit of the core can be set', t => {
  const limits = Object.keys(golden).filter(name => typeof golden[name] === 'number' && name !== 'openTimeout')
  t.deepEqual(Object.keys(resolveOptions({ network: 'loopback' }).binding.limits).sort(), limits.sort())
  const binding = readFileSync(new URL('../../src/generated/binding.d.cts', import.meta.url), 'utf8')
  const [, fields = ''] = /interface BindingLimits \{([^}]*)\}/.exec(binding) ?? []
  t.deepEqual([...fields.matchAll(/(\w+): number/g)].map(([, name]) => name).sort(), limits)
})

test('other docs give the right defaults', t => {
  const errors = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  // "Default: the endpoint's `openTimeout`, 30 s." and "(its `headerTimeout`, 10 s unless …)".
  const inherited = [
    ...declarations.matchAll(/Default: the endpoint's `(\w+)`, ([\d.,]+(?: \w+)?)\./g),
    ...errors.matchAll(/its `(\w+)`, ([\d.,]+(?: \w+)?) unless/g)
  ]
  t.true(inherited.length >= 4)
  for (const [text, option, value] of inherited) {
    t.is(amount(value!), (defaults as unknown as Record<string, number>)[option!], text)
  }
})

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
