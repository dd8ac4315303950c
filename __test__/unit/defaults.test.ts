// The defaults in TSDoc and docs equal those of the code. `npm run sync` updates them.
import test from 'ava'
import { resolveOptions } from '../../dist/modules/endpoint/options.js'
import { native } from '../../dist/modules/native/addon.js'
import { endpointDefaults } from '../../dist/modules/settings.js'

interface Defaults {
  readonly types: Readonly<Record<string, Readonly<Record<string, number>>>>
}

interface Place {
  readonly file: string
  readonly text: string
  readonly option: string
  readonly value: number
}

interface Script {
  codeDefaults(): Promise<Defaults>
  defaultPlaces(defaults: Defaults): Place[]
  isRight(place: Place): boolean
  uncovered(places: readonly Place[]): string[]
  undocumented(defaults: Defaults): string[]
  written(value: number, old: string): string
}

const script: string = new URL('../../scripts/defaults.mjs', import.meta.url).href
const { codeDefaults, defaultPlaces, isRight, uncovered, undocumented, written } = (await import(script)) as Script
const defaults = await codeDefaults()
const places = defaultPlaces(defaults)

test('every default in TSDoc and docs equals that of the code', t => {
  const wrong = places.filter(place => !isRight(place))
  const sentences = wrong.map(({ file, option, text, value }) => `${file}: ${option} is ${value}, not ${text}`)
  t.deepEqual(sentences, [], 'npm run sync corrects these')
  t.true(places.filter(({ file }) => file.startsWith('src/')).length >= 50)
  t.true(places.filter(({ file }) => file.startsWith('docs/')).length >= 15)
})

test('every numeric option documents its default', t => {
  t.deepEqual(undocumented(defaults), [])
})

test('a row of a table of defaults gives the name of its option', t => {
  t.deepEqual(uncovered(places), [])
})

test('a changed default is written in the unit of the old one', t => {
  t.deepEqual(
    [written(15_000, '10 s'), written(1_500, '10 s'), written(2_097_152, '64 KiB'), written(20_000, '4096')],
    ['15 s', '1,500 ms', '2 MiB', '20,000']
  )
})

test('the core opens streams with the same timeout', t => {
  t.is(native().optionDefaults().open.timeout, endpointDefaults.openTimeout)
})

test('every limit of the core can be set, and only those', t => {
  const names = Object.keys(resolveOptions({ network: 'loopback' }).binding.limits)
  t.deepEqual(names.sort(), Object.keys(native().optionDefaults().limits).sort())
})
